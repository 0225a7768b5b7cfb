--[[ agent/set_password
Replace an agent's password. The new epoch ends every session that was opened under an older one.

KEYS   agent           hash: record, password_hash, epoch
       trail           stream: the tenant's own audit trail in this partition
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
local agent, trail, journal = KEYS[1], KEYS[2], KEYS[3]
local password_hash, event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('EXISTS', agent) == 0 then
  return {1}
end
redis.call('HSET', agent, 'password_hash', password_hash)
redis.call('HINCRBY', agent, 'epoch', 1)
record(trail, 'agent-password', event, most, kept_ms)
record(journal, 'agent-password', event, most, kept_ms)
return {0}
