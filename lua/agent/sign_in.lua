--[[ agent/sign_in
Open a session for an agent whose password was verified under `epoch`.

KEYS   agent       hash: record, password_hash, epoch
       session     string: epoch
ARGV   epoch       of the password that was verified
       ttl_ms
REPLY  status
       0 SIGNED_IN
       1 STALE     the password was changed in between, or the agent is no more
REPEAT safe
DURABLE no         a failover costs a sign-in
]]
local agent, session = KEYS[1], KEYS[2]
local epoch, ttl_ms = ARGV[1], ARGV[2]

if redis.call('HGET', agent, 'epoch') ~= epoch then
  return {1}
end
redis.call('SET', session, epoch, 'PX', ttl_ms)
return {0}
