--[[ outbox/postpone
Put an entry off: it is to be tried again later.

KEYS   outbox      stream
       retries     sorted set: attempt and event, by when it is to be tried again
       deliveries  stream: log of the tenant's deliveries in this partition
ARGV   group
       entry_id
       event
       attempt     the next one
       wait_ms     until then
       line        of the log, empty = none
       most        lines that the log keeps
       kept_ms     how long it is kept
       now_us      empty = the clock of this server
REPLY  status
       0 POSTPONED
       1 STALE     somebody else has settled it
REPEAT safe        a repeat finds that it is put off
DURABLE no         a failover has it told again
]]
--@include clock
--@include note
local outbox, retries, deliveries = KEYS[1], KEYS[2], KEYS[3]
local group, entry_id, event, attempt, wait_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local line, most, kept_ms, now_us = ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if redis.call('XACK', outbox, group, entry_id) == 0 then
  return {1}
end
redis.call('XDEL', outbox, entry_id)
redis.call('ZADD', retries, math.floor(clock(now_us) / 1000) + wait_ms, attempt .. ' ' .. event)
note(deliveries, line, most, kept_ms)
return {0}
