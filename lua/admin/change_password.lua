--[[ admin/change_password
Replace a password by one that its owner has chosen, if the one that was verified under `epoch` is still in force. The
new epoch ends every session that was opened under an older one.

KEYS   admin           hash: record, password_hash, epoch
ARGV   epoch           of the password that was verified
       password_hash   Argon2id, encoded
REPLY  status, epoch
       0 CHANGED       the epoch is the new one
       1 STALE         the password was changed in between
REPEAT unsafe          a repeat would find its own change, and report it as somebody else's
DURABLE yes
]]
local admin = KEYS[1]
local epoch, password_hash = ARGV[1], ARGV[2]

if redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1, 0}
end
redis.call('HSET', admin, 'password_hash', password_hash)
return {0, redis.call('HINCRBY', admin, 'epoch', 1)}
