--[[ agent/list
List the agents of a tenant.

KEYS   agents      set: ids of the tenant's agents
REPLY  status, ids
       0 LISTED    ids in one string, separated by blanks
REPEAT safe
]]
local agents = KEYS[1]

return {0, table.concat(redis.call('SMEMBERS', agents), ' ')}
