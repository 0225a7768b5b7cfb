--[[ outbox/bury
Give an entry up. It is kept as a dead letter, which outbox/replay brings back.

KEYS   outbox      stream
       dead        sorted set: events of the tenant in this partition that were given up, by when
       deliveries  stream: log of the tenant's deliveries in this partition
ARGV   group
       entry_id
       event
       most_dead   how many are kept; the oldest go first
       line        of the log, empty = none
       most        lines that the log keeps
       kept_ms     how long both are kept
       now_us      empty = the clock of this server
REPLY  status
       0 BURIED
       1 STALE     somebody else has settled it
REPEAT safe        a repeat finds that it is buried
DURABLE no         a failover has it told again
]]
--@include clock
--@include note
local outbox, dead, deliveries = KEYS[1], KEYS[2], KEYS[3]
local group, entry_id, event, most_dead = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local line, most, kept_ms, now_us = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

if redis.call('XACK', outbox, group, entry_id) == 0 then
  return {1}
end
redis.call('XDEL', outbox, entry_id)
redis.call('ZADD', dead, math.floor(clock(now_us) / 1000), event)
redis.call('ZREMRANGEBYRANK', dead, 0, -most_dead - 1)
redis.call('PEXPIRE', dead, kept_ms)
note(deliveries, line, most, kept_ms)
return {0}
