--[[ admin/create
Register an administrator under an e-mail address that nobody else has, and list it in its partition.

KEYS   admin           hash: record, password_hash, epoch
       admins          set: ids of the administrators of this partition
ARGV   id
       record          encoded profile
       password_hash   Argon2id, encoded
REPLY  status
       0 CREATED
       1 EXISTS        the e-mail address is taken
REPEAT unsafe          a repeat would report our own success as taken
DURABLE yes
]]
local admin, admins = KEYS[1], KEYS[2]
local id, record, password_hash = ARGV[1], ARGV[2], ARGV[3]

if redis.call('HSETNX', admin, 'record', record) == 0 then
  return {1}
end
redis.call('HSET', admin, 'password_hash', password_hash, 'epoch', 1)
redis.call('SADD', admins, id)
return {0}
