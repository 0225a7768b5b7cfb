--[[ admin/set_password
Replace a password. The new epoch ends every session that was opened under an older one.

KEYS   admin           hash: record, password_hash, epoch
       trail           stream: the administrator's own audit trail in this partition
       journal         stream: audit trail of this partition
ARGV   password_hash   Argon2id, encoded
       event           for both trails: who did what, empty = nothing is recorded
       most            events that each keeps, about
       kept_ms         how long they are kept
REPLY  status
       0 CHANGED
       1 UNKNOWN
REPEAT safe            a repeat is recorded twice
DURABLE yes
]]
--@include record
local admin, trail, journal = KEYS[1], KEYS[2], KEYS[3]
local password_hash, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', admin) == 0 then
  return {1}
end
redis.call('HSET', admin, 'password_hash', password_hash)
redis.call('HINCRBY', admin, 'epoch', 1)
record(trail, 'password', event, most, kept_ms)
record(journal, 'password', event, most, kept_ms)
return {0}
