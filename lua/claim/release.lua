--[[ claim/release
Give a name back, if it is still held as the caller knows it.

KEYS   claim       string: owner, or owner, taken_ms and nonce
ARGV   value       of the claim, in full: who took the name anew has another
REPLY  status
       0 RELEASED
       1 LAPSED    it is not, or no longer, held like this
REPEAT safe
DURABLE yes
]]
local claim = KEYS[1]
local value = ARGV[1]

if redis.call('GET', claim) ~= value then
  return {1}
end
redis.call('DEL', claim)
return {0}
