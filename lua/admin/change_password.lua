--[[ admin/change_password
Replace a password by one that its owner has chosen, if the one that was verified under `epoch` is still in force. The
new epoch ends every session that was opened under an older one.

KEYS   admin           hash: record, password_hash, epoch
       trail           stream: the administrator's own audit trail in this partition
       journal         stream: audit trail of this partition
ARGV   epoch           of the password that was verified
       password_hash   Argon2id, encoded
       event           for both trails: who did what, empty = nothing is recorded
       most            events that each keeps, about
       kept_ms         how long they are kept
REPLY  status, epoch
       0 CHANGED       the epoch is the new one
       1 STALE         the password was changed in between
REPEAT unsafe          a repeat would find its own change, and report it as somebody else's
DURABLE yes
]]
--@include record
local admin, trail, journal = KEYS[1], KEYS[2], KEYS[3]
local epoch, password_hash, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if redis.call('HGET', admin, 'epoch') ~= epoch then
  return {1, 0}
end
redis.call('HSET', admin, 'password_hash', password_hash)
record(trail, 'password', event, most, kept_ms)
record(journal, 'password', event, most, kept_ms)
return {0, redis.call('HINCRBY', admin, 'epoch', 1)}
