--[[ agent/delete
Delete an agent, and with it every session: they are compared with what is no more.

KEYS   agent       hash: record, password_hash, epoch
       agents      set: ids of the tenant's agents
       trail       stream: the tenant's own audit trail in this partition
       journal     stream: audit trail of this partition
ARGV   id
       event       for both trails: who did what, empty = nothing is recorded
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 DELETED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
--@include record
local agent, agents, trail, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

redis.call('SREM', agents, id)
if redis.call('DEL', agent) == 0 then
  return {1}
end
record(trail, 'agent-delete', event, most, kept_ms)
record(journal, 'agent-delete', event, most, kept_ms)
return {0}
