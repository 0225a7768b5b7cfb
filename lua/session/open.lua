--[[ session/open
Open a session for an administrator whose password was verified under `epoch`, and list the administrator, who may have
signed up before there was a list.

KEYS   admin       hash: record, password_hash, epoch
       session     string: epoch
       admins      set: ids of the administrators of this partition
ARGV   id
       epoch       of the password that was verified
       ttl_ms
REPLY  status
       0 OPENED
       1 STALE     the password was changed in between
REPEAT safe
DURABLE no         a failover costs a sign-in
]]
local admin, session, admins = KEYS[1], KEYS[2], KEYS[3]
local id, epoch, ttl_ms = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1}
end
redis.call('SET', session, epoch, 'PX', ttl_ms)
redis.call('SADD', admins, id)
return {0}
