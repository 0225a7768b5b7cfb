--[[ tenant/read
Read a tenant whole.

KEYS   tenant      hash: version, record
REPLY  status, version, record
       0 FOUND
       1 UNKNOWN
REPEAT safe
]]
local tenant = KEYS[1]

local fields = redis.call('HMGET', tenant, 'version', 'record')
if not fields[1] then
  return {1, 0, ''}
end
return {0, tonumber(fields[1]), fields[2]}
