--[[ challenge/list
List the ids of a factor's challenges, in the order of their age.

KEYS   challenges  sorted set: ids, by created_ms
ARGV   order       REV = the youngest first, empty = the oldest
       first       how many to leave out
       most        how many to tell
       kept_ms     until a challenge is forgotten
       now_us      empty = the clock of this server
REPLY  status, total, ids
       0 LISTED    ids separated by blanks
REPEAT safe
DURABLE no         what it tidies is tidied again
]]
--@include clock
local challenges = KEYS[1]
local order, first, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local kept_ms, now_us = tonumber(ARGV[4]), ARGV[5]

redis.call('ZREMRANGEBYSCORE', challenges, 0, math.floor(clock(now_us) / 1000) - kept_ms)
local ids
if order == 'REV' then
  ids = redis.call('ZRANGE', challenges, first, first + most - 1, 'REV')
else
  ids = redis.call('ZRANGE', challenges, first, first + most - 1)
end
return {0, redis.call('ZCARD', challenges), table.concat(ids, ' ')}
