--[[ factor/list
List the ids of a tenant's factors in this partition, the youngest first.

KEYS   factors     sorted set: ids, by created_ms
       pending     sorted set: those that are not activated yet, by when they are forgotten
ARGV   first       how many to leave out
       most        how many to tell
       now_us      empty = the clock of this server
REPLY  status, total, ids
       0 LISTED    ids and their created_ms in turns, all separated by blanks
REPEAT safe
]]
--@include clock
local factors, pending = KEYS[1], KEYS[2]
local first, most, now_us = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local now_ms = math.floor(clock(now_us) / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', pending, 0, now_ms)) do
  redis.call('ZREM', factors, id)
end
redis.call('ZREMRANGEBYSCORE', pending, 0, now_ms)
local ids = redis.call('ZRANGE', factors, first, first + most - 1, 'REV', 'WITHSCORES')
return {0, redis.call('ZCARD', factors), table.concat(ids, ' ')}
