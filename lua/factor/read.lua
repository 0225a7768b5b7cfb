--[[ factor/read
Read a factor.

KEYS   factor      hash
REPLY  status, state, version, record, created_ms, updated_ms
       0 FOUND
       1 ABSENT    there never was one, or it was not activated in time
REPEAT safe
]]
local factor = KEYS[1]

local found = redis.call('HMGET', factor, 'state', 'version', 'record', 'created_ms', 'updated_ms')
if not found[1] then
  return {1, '', 0, '', 0, 0}
end
return {0, found[1], tonumber(found[2]), found[3], tonumber(found[4]), tonumber(found[5])}
