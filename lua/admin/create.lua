--[[ admin/create
Register an administrator under an e-mail address that nobody else has.

KEYS   admin           hash: record, password_hash, epoch
ARGV   record          encoded profile
       password_hash   Argon2id, encoded
REPLY  status
       0 CREATED
       1 EXISTS        the e-mail address is taken
REPEAT unsafe          a repeat would report our own success as taken
DURABLE yes
]]
local admin = KEYS[1]
local record, password_hash = ARGV[1], ARGV[2]

if redis.call('HSETNX', admin, 'record', record) == 0 then
  return {1}
end
redis.call('HSET', admin, 'password_hash', password_hash, 'epoch', 1)
return {0}
