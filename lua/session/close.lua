--[[ session/close
End a session before its time.

KEYS   session     string: epoch
REPLY  status
       0 CLOSED
       1 OVER      there was none
REPEAT safe
DURABLE no         a failover costs a sign-out: the session ends by itself
]]
local session = KEYS[1]

return {redis.call('DEL', session) == 1 and 0 or 1}
