--[[ outbox/backlog
Tell how much is to be told in this partition, and since when.

KEYS   outbox      stream
       retries     sorted set
       due         sorted set: pending challenges, by expires_ms
ARGV   now_us      empty = the clock of this server
REPLY  status, ready, waiting, oldest_ms, overdue_ms
       0 TOLD      oldest_ms is the age of the oldest event that was not tried yet, of the first 100 that are ready and
                   the first 100 put off; overdue_ms is that of the oldest expiry that is not noted
REPEAT safe
]]
--@include clock
local outbox, retries, due = KEYS[1], KEYS[2], KEYS[3]
local now_us = ARGV[1]
local MOST_SEEN = 100

local now_ms = math.floor(clock(now_us) / 1000)
local oldest_ms = 0
-- An event says when it happened. The id of its entry does not: each time that it is put off it gets another.
-- What was tried and failed waits for its receiver, and tells nothing of the couriers.
local function see(attempt, event)
  local at_ms = attempt == '1' and tonumber(event:match(' (%d+)$'))
  if at_ms then
    oldest_ms = math.max(oldest_ms, now_ms - at_ms)
  end
end
for _, entry in ipairs(redis.call('XRANGE', outbox, '-', '+', 'COUNT', MOST_SEEN)) do
  see(entry[2][4], entry[2][2] or '')
end
for _, retry in ipairs(redis.call('ZRANGE', retries, 0, MOST_SEEN - 1)) do
  see(retry:match('^(%d+) (.*)$'))
end
local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
local overdue_ms = first and math.max(now_ms - tonumber(first), 0) or 0
return {0, redis.call('XLEN', outbox), redis.call('ZCARD', retries), oldest_ms, overdue_ms}
