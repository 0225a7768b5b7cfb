--[[ outbox/settle
Be done with an entry: it was told, or there is nobody to tell.

KEYS   outbox      stream
       deliveries  stream: log of the tenant's deliveries in this partition
ARGV   group
       entry_id
       line        of the log, empty = none
       most        lines that the log keeps
       kept_ms     how long it is kept
REPLY  status
       0 SETTLED
       1 STALE     somebody else has settled it
REPEAT safe        a repeat finds that it is settled
DURABLE no         a failover has it told again
]]
--@include note
local outbox, deliveries = KEYS[1], KEYS[2]
local group, entry_id, line, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('XACK', outbox, group, entry_id) == 0 then
  return {1}
end
redis.call('XDEL', outbox, entry_id)
note(deliveries, line, most, kept_ms)
return {0}
