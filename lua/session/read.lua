--[[ session/read
Tell whether a session is alive: not expired, and opened under the password now in force.

KEYS   admin       hash: record, password_hash, epoch
       session     string: epoch
REPLY  status
       0 ALIVE
       1 OVER
REPEAT safe
]]
local admin, session = KEYS[1], KEYS[2]

local epoch = redis.call('GET', session)
if not epoch or redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1}
end
return {0}
