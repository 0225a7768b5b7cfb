--[[ session/open
Open a session for an administrator whose password was verified under `epoch`.

KEYS   admin       hash: record, password_hash, epoch
       session     string: epoch
ARGV   epoch       of the password that was verified
       ttl_ms
REPLY  status
       0 OPENED
       1 STALE     the password was changed in between
REPEAT safe
DURABLE no         a failover costs a sign-in
]]
local admin, session = KEYS[1], KEYS[2]
local epoch, ttl_ms = ARGV[1], ARGV[2]

if redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1}
end
redis.call('SET', session, epoch, 'PX', ttl_ms)
return {0}
