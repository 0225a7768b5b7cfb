--[[ tenant/create
Store a new tenant and list it in its partition.

KEYS   tenant      hash: version, record
       tenants     set: ids of the tenants of this partition
       trail       stream: the tenant's own audit trail in this partition
       journal     stream: audit trail of this partition
ARGV   id
       encoded     the tenant
       event       for both trails: who did what, empty = nothing is recorded
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 CREATED
       1 EXISTS
REPEAT unsafe      a repeat would report our own tenant as another
DURABLE yes
]]
--@include record
local tenant, tenants, trail, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, encoded, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('HSETNX', tenant, 'version', 1) == 0 then
  return {1}
end
redis.call('HSET', tenant, 'record', encoded)
redis.call('SADD', tenants, id)
record(trail, 'tenant-create', event, most, kept_ms)
record(journal, 'tenant-create', event, most, kept_ms)
return {0}
