--[[ token/revoke
Forget an access token.

KEYS   token       string: whose it is and for what
ARGV   grant       that was read: of another one there is nothing to revoke
REPLY  status
       0 REVOKED
       1 ABSENT
REPEAT safe
DURABLE yes
]]
local token = KEYS[1]
local grant = ARGV[1]

if redis.call('GET', token) ~= grant then
  return {1}
end
redis.call('DEL', token)
return {0}
