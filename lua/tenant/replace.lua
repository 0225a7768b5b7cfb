--[[ tenant/replace
Replace a tenant's record, if it is still the version that the caller has read.

KEYS   tenant      hash: version, record
ARGV   version     that was read
       record      encoded tenant
REPLY  status
       0 REPLACED
       1 STALE     somebody else replaced it first: read again
       2 UNKNOWN
REPEAT unsafe      a repeat would find its own version
DURABLE yes
]]
local tenant = KEYS[1]
local version, record = ARGV[1], ARGV[2]

local current = redis.call('HGET', tenant, 'version')
if not current then
  return {2}
elseif current ~= version then
  return {1}
end
redis.call('HSET', tenant, 'record', record, 'version', tonumber(version) + 1)
return {0}
