--[[ outbox/backlog
Tell how much is to be told in this partition, and since when.

KEYS   outbox      stream
       retries     sorted set
       due         sorted set: pending challenges, by expires_ms
ARGV   now_us      empty = the clock of this server
REPLY  status, ready, waiting, oldest_ms, overdue_ms
       0 TOLD      oldest_ms is the age of the oldest ready entry, overdue_ms that of the oldest expiry that is not noted
REPEAT safe
]]
--@include clock
local outbox, retries, due = KEYS[1], KEYS[2], KEYS[3]
local now_us = ARGV[1]

local now_ms = math.floor(clock(now_us) / 1000)
local oldest = redis.call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1]
local oldest_ms = oldest and math.max(now_ms - tonumber(oldest[1]:match('^%d+')), 0) or 0
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
local overdue_ms = first and math.max(now_ms - tonumber(first), 0) or 0
return {0, redis.call('XLEN', outbox), redis.call('ZCARD', retries), oldest_ms, overdue_ms}
