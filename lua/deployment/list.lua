--[[ deployment/list
List what a deployment keeps: deployment/open, deployment/keep.

KEYS   deployment  hash
REPLY  status, names
       0 LISTED    names in one string, one a line
REPEAT safe
]]
local deployment = KEYS[1]

return {0, table.concat(redis.call('HKEYS', deployment), '\n')}
