--[[ tenant/replace
Replace a tenant's record, if it is still the version that the caller has read.

KEYS   tenant      hash: version, record
       trail       stream: the tenant's own audit trail in this partition
       journal     stream: audit trail of this partition
ARGV   version     that was read
       encoded     the tenant
       kind        of what is done, for both trails
       event       who did it, empty = nothing is recorded
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 REPLACED
       1 STALE     somebody else replaced it first: read again
       2 UNKNOWN
REPEAT unsafe      a repeat would find its own version
DURABLE yes
]]
--@include record
local tenant, trail, journal = KEYS[1], KEYS[2], KEYS[3]
local version, encoded = ARGV[1], ARGV[2]
local kind, event, most, kept_ms = ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local current = redis.call('HGET', tenant, 'version')
if not current then
  return {2}
elseif current ~= version then
  return {1}
end
redis.call('HSET', tenant, 'record', encoded, 'version', tonumber(version) + 1)
record(trail, kind, event, most, kept_ms)
record(journal, kind, event, most, kept_ms)
return {0}
