--[[ tenant/delete
Forget a tenant. Its passcodes end by themselves, and nothing can reach them any more.

KEYS   tenant      hash: version, record
       tenants     set: ids of the tenants of this partition
       journal     stream: audit trail of this partition, where it stays known
ARGV   id
       event       who deletes it, empty = that is not recorded
       most        events that the journal keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 DELETED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
--@include record
local tenant, tenants, journal = KEYS[1], KEYS[2], KEYS[3]
local id, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

redis.call('SREM', tenants, id)
if redis.call('DEL', tenant) == 0 then
  return {1}
end
record(journal, 'tenant-delete', event, most, kept_ms)
return {0}
