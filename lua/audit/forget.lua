--[[ audit/forget
Remove an audit trail.

KEYS   trail       stream
REPLY  status
       0 FORGOTTEN
       1 ABSENT
REPEAT safe
DURABLE yes
]]
local trail = KEYS[1]

return {redis.call('DEL', trail) == 1 and 0 or 1}
