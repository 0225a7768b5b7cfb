--[[ tenant/owned
List the tenants that an administrator may own.

KEYS   owned       set: ids of the tenants of this administrator
REPLY  status, ids
       0 LISTED    ids in one string, separated by blanks
REPEAT safe
]]
local owned = KEYS[1]

return {0, table.concat(redis.call('SMEMBERS', owned), ' ')}
