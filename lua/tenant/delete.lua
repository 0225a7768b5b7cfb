--[[ tenant/delete
Forget a tenant. Its passcodes end by themselves, and nothing can reach them any more.

KEYS   tenant      hash: version, record
       tenants     set: ids of the tenants of this partition
ARGV   id
REPLY  status
       0 DELETED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
local tenant, tenants = KEYS[1], KEYS[2]
local id = ARGV[1]

redis.call('SREM', tenants, id)
return {redis.call('DEL', tenant) == 1 and 0 or 1}
