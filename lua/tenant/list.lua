--[[ tenant/list
List the tenants of one partition.

KEYS   tenants     set: ids of the tenants of this partition
REPLY  status, ids
       0 LISTED    ids in one string, separated by blanks
REPEAT safe
]]
local tenants = KEYS[1]

return {0, table.concat(redis.call('SMEMBERS', tenants), ' ')}
