--[[ idempotency/claim
Tie an Idempotency-Key to the first request that carried it.

KEYS   request       string: fingerprint of that request
ARGV   fingerprint   of this request
       ttl_ms        how long the tie lasts
REPLY  status
       0 MATCHED     this is the first such request, or a repeat of it
       1 MISMATCH    the first request with this key was another one
REPEAT safe
DURABLE yes
]]
local request = KEYS[1]
local fingerprint, ttl_ms = ARGV[1], ARGV[2]

local first = redis.call('SET', request, fingerprint, 'NX', 'GET', 'PX', ttl_ms)
if first and first ~= fingerprint then
  return {1}
end
return {0}
