--[[ agent/sign_in
Open a session for an agent whose password was verified under `epoch`.

KEYS   agent       hash: record, password_hash, epoch
       session     string: epoch
       trail       stream: audit trail of what the tenant's agents and customers do, in this partition
ARGV   epoch       of the password that was verified
       ttl_ms
       event       for the trail: who, empty = nothing is recorded
       most        events that it keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 SIGNED_IN
       1 STALE     the password was changed in between, or the agent is no more
REPEAT safe        a repeat is recorded twice, and opens the same session
DURABLE no         a failover costs a sign-in
]]
--@include record
local agent, session, trail = KEYS[1], KEYS[2], KEYS[3]
local epoch, ttl_ms, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('HGET', agent, 'epoch') ~= epoch then
  return {1}
end
redis.call('SET', session, epoch, 'PX', ttl_ms)
record(trail, 'agent-sign-in', event, most, kept_ms)
return {0}
