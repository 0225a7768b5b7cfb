--[[ agent/set_password
Replace an agent's password. The new epoch ends every session that was opened under an older one.

KEYS   agent           hash: record, password_hash, epoch
ARGV   password_hash   Argon2id, encoded
REPLY  status
       0 CHANGED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
local agent = KEYS[1]
local password_hash = ARGV[1]

if redis.call('EXISTS', agent) == 0 then
  return {1}
end
redis.call('HSET', agent, 'password_hash', password_hash)
redis.call('HINCRBY', agent, 'epoch', 1)
return {0}
