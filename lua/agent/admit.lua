--[[ agent/admit
Tell whether an agent's session is alive: not expired, not signed out, and opened under the password now in force.

KEYS   agent       hash: record, password_hash, epoch
       session     string: epoch
REPLY  status
       0 ADMITTED
       1 OVER
REPEAT safe
]]
local agent, session = KEYS[1], KEYS[2]

local epoch = redis.call('GET', session)
if not epoch or redis.call('HGET', agent, 'epoch') ~= epoch then
  return {1}
end
return {0}
