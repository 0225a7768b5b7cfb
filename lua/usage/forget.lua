--[[ usage/forget
Remove what is kept of a tenant's usage.

KEYS   usage       hash
REPLY  status
       0 FORGOTTEN
       1 ABSENT
REPEAT safe
DURABLE yes
]]
local usage = KEYS[1]

return {redis.call('DEL', usage) == 1 and 0 or 1}
