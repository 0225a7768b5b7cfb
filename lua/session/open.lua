--[[ session/open
Open a session for an administrator whose password was verified under `epoch`, and list the administrator, who may have
signed up before there was a list.

KEYS   admin       hash: record, password_hash, epoch
       session     string: epoch
       admins      set: ids of the administrators of this partition
       trail       stream: the administrator's own audit trail in this partition
       journal     stream: audit trail of this partition
ARGV   id
       epoch       of the password that was verified
       ttl_ms
       event       for both trails: who did what, empty = nothing is recorded
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 OPENED
       1 STALE     the password was changed in between
REPEAT safe        a repeat is recorded twice, and opens the same session
DURABLE no         a failover costs a sign-in
]]
--@include record
local admin, session, admins, trail, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, epoch, ttl_ms, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

if redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1}
end
redis.call('SET', session, epoch, 'PX', ttl_ms)
redis.call('SADD', admins, id)
record(trail, 'sign-in', event, most, kept_ms)
record(journal, 'sign-in', event, most, kept_ms)
return {0}
