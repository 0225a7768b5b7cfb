--[[ tenant/create
Store a new tenant and list it in its partition.

KEYS   tenant      hash: version, record
       tenants     set: ids of the tenants of this partition
ARGV   id
       record      encoded tenant
REPLY  status
       0 CREATED
       1 EXISTS
REPEAT unsafe      a repeat would report our own tenant as another
DURABLE yes
]]
local tenant, tenants = KEYS[1], KEYS[2]
local id, record = ARGV[1], ARGV[2]

if redis.call('HSETNX', tenant, 'version', 1) == 0 then
  return {1}
end
redis.call('HSET', tenant, 'record', record)
redis.call('SADD', tenants, id)
return {0}
