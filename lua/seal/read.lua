--[[ seal/read
Read a sealed value that is kept for good.

KEYS   holder      hash: what keeps it
ARGV   field
REPLY  status, sealed
       0 FOUND
       1 ABSENT
REPEAT safe
]]
local holder = KEYS[1]
local field = ARGV[1]

local sealed = redis.call('HGET', holder, field)
if not sealed then
  return {1, ''}
end
return {0, sealed}
