--[[ agent/create
Give an agent of a tenant a log-in, under an e-mail address that no other agent of the tenant has.

KEYS   agent           hash: record, password_hash, epoch
       agents          set: ids of the tenant's agents
       tenant          hash: version, record
ARGV   id
       record          encoded profile
       password_hash   Argon2id, encoded
       epoch           random: sessions of an agent who was deleted are none of one created anew
       most            how many agents a tenant may have
REPLY  status
       0 CREATED
       1 EXISTS        the e-mail address is taken
       2 FULL          the tenant has as many as it may
       3 UNKNOWN       there is no such tenant any more
REPEAT unsafe          a repeat would report our own success as taken
DURABLE yes
]]
local agent, agents, tenant = KEYS[1], KEYS[2], KEYS[3]
local id, record, password_hash, epoch, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if redis.call('EXISTS', tenant) == 0 then
  return {3}
elseif redis.call('EXISTS', agent) == 1 then
  return {1}
elseif redis.call('SCARD', agents) >= most then
  return {2}
end
redis.call('HSET', agent, 'record', record, 'password_hash', password_hash, 'epoch', epoch)
redis.call('SADD', agents, id)
return {0}
