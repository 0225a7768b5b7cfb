--[[ tenant/disown
Strike a tenant that is no more off its administrator's list.

KEYS   owned       set: ids of the tenants of this administrator
ARGV   id
REPLY  status
       0 DISOWNED
REPEAT safe
DURABLE no         what is listed and is no more is passed over
]]
local owned = KEYS[1]
local id = ARGV[1]

redis.call('SREM', owned, id)
return {0}
