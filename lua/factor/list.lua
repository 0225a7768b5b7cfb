--[[ factor/list
List the ids of a tenant's factors in this partition that are in one of some states, in the order of their age.

KEYS   pending     sorted set: those that are not activated yet, by created_ms
       active      sorted set: by created_ms
       inactive    sorted set: by created_ms
ARGV   states      those that are wanted: P, A and I in any number
       order       REV = the youngest first, empty = the oldest
       most        how many to tell of each state
       life_ms     of a factor that is not activated
       now_us      empty = the clock of this server
REPLY  status, total, ids
       0 LISTED    ids and their created_ms in turns, all separated by blanks
REPEAT safe
DURABLE no         what it tidies is tidied again
]]
--@include clock
--@include top
local pending, active, inactive = KEYS[1], KEYS[2], KEYS[3]
local states, order, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local life_ms, now_us = tonumber(ARGV[4]), ARGV[5]

redis.call('ZREMRANGEBYSCORE', pending, 0, math.floor(clock(now_us) / 1000) - life_ms)
local total, ids = 0, {}
if states:find('P') then
  total, ids[#ids + 1] = total + redis.call('ZCARD', pending), top(pending, order, most)
end
if states:find('A') then
  total, ids[#ids + 1] = total + redis.call('ZCARD', active), top(active, order, most)
end
if states:find('I') then
  total, ids[#ids + 1] = total + redis.call('ZCARD', inactive), top(inactive, order, most)
end
return {0, total, table.concat(ids, ' ')}
