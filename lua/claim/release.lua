--[[ claim/release
Give a name back.

KEYS   claim       string: owner
ARGV   owner
REPLY  status
       0 RELEASED
       1 LAPSED    it is not, or no longer, this owner's
REPEAT safe
]]
local claim = KEYS[1]
local owner = ARGV[1]

if redis.call('GET', claim) ~= owner then
  return {1}
end
redis.call('DEL', claim)
return {0}
