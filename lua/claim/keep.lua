--[[ claim/keep
Make a claim permanent.

KEYS   claim       string: owner
ARGV   owner
REPLY  status
       0 KEPT
       1 LAPSED    it is not, or no longer, this owner's
REPEAT safe
DURABLE yes
]]
local claim = KEYS[1]
local owner = ARGV[1]

if redis.call('GET', claim) ~= owner then
  return {1}
end
redis.call('PERSIST', claim)
return {0}
