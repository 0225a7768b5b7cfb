--[[ tenant/own
Note, in the administrator's partition, that a tenant is to be theirs. The tenant's record alone decides whether it is.

KEYS   owned       set: ids of the tenants of this administrator
ARGV   id
REPLY  status
       0 OWNED
REPEAT safe
DURABLE yes
]]
local owned = KEYS[1]
local id = ARGV[1]

redis.call('SADD', owned, id)
return {0}
