--[[ admin/set_password
Replace a password. The new epoch ends every session that was opened under an older one.

KEYS   admin           hash: record, password_hash, epoch
ARGV   password_hash   Argon2id, encoded
REPLY  status
       0 CHANGED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
local admin = KEYS[1]
local password_hash = ARGV[1]

if redis.call('EXISTS', admin) == 0 then
  return {1}
end
redis.call('HSET', admin, 'password_hash', password_hash)
redis.call('HINCRBY', admin, 'epoch', 1)
return {0}
