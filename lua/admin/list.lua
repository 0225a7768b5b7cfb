--[[ admin/list
List the administrators of one partition.

KEYS   admins      set: ids of the administrators of this partition
REPLY  status, ids
       0 LISTED    ids in one string, separated by blanks
REPEAT safe
]]
local admins = KEYS[1]

return {0, table.concat(redis.call('SMEMBERS', admins), ' ')}
