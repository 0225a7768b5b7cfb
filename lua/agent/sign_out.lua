--[[ agent/sign_out
End a session of an agent.

KEYS   session       string: epoch
REPLY  status
       0 SIGNED_OUT
       1 OVER        it was over before
REPEAT safe
DURABLE yes
]]
local session = KEYS[1]

return {redis.call('DEL', session) == 1 and 0 or 1}
