--[[ admin/create
Register an administrator under an e-mail address that nobody else has, and list it in its partition.

KEYS   admin           hash: record, password_hash, epoch
       admins          set: ids of the administrators of this partition
       trail           stream: the administrator's own audit trail in this partition
       journal         stream: audit trail of this partition
ARGV   id
       profile         sealed
       password_hash   Argon2id, encoded
       event           for both trails: who did what, empty = nothing is recorded
       most            events that each keeps, about
       kept_ms         how long they are kept
REPLY  status
       0 CREATED
       1 EXISTS        the e-mail address is taken
REPEAT unsafe          a repeat would report our own success as taken
DURABLE yes
]]
--@include record
local admin, admins, trail, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, profile, password_hash = ARGV[1], ARGV[2], ARGV[3]
local event, most, kept_ms = ARGV[4], ARGV[5], ARGV[6]

if redis.call('HSETNX', admin, 'record', profile) == 0 then
  return {1}
end
redis.call('HSET', admin, 'password_hash', password_hash, 'epoch', 1)
redis.call('SADD', admins, id)
record(trail, 'sign-up', event, most, kept_ms)
record(journal, 'sign-up', event, most, kept_ms)
return {0}
