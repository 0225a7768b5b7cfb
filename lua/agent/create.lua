--[[ agent/create
Give an agent of a tenant a log-in, under an e-mail address that no other agent of the tenant has.

KEYS   agent           hash: record, password_hash, epoch
       agents          set: ids of the tenant's agents
       tenant          hash: version, record
       trail           stream: the tenant's own audit trail in this partition
       journal         stream: audit trail of this partition
ARGV   id
       profile         sealed
       password_hash   Argon2id, encoded
       epoch           random: sessions of an agent who was deleted are none of one created anew
       most_agents     that a tenant may have
       event           for both trails: who did what, empty = nothing is recorded
       most            events that each keeps, about
       kept_ms         how long they are kept
REPLY  status
       0 CREATED
       1 EXISTS        the e-mail address is taken
       2 FULL          the tenant has as many as it may
       3 UNKNOWN       there is no such tenant any more
REPEAT unsafe          a repeat would report our own success as taken
DURABLE yes
]]
--@include record
local agent, agents, tenant, trail, journal = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, profile, password_hash, epoch, most_agents = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local event, most, kept_ms = ARGV[6], ARGV[7], ARGV[8]

if redis.call('EXISTS', tenant) == 0 then
  return {3}
elseif redis.call('EXISTS', agent) == 1 then
  return {1}
elseif redis.call('SCARD', agents) >= most_agents then
  return {2}
end
redis.call('HSET', agent, 'record', profile, 'password_hash', password_hash, 'epoch', epoch)
redis.call('SADD', agents, id)
record(trail, 'agent-create', event, most, kept_ms)
record(journal, 'agent-create', event, most, kept_ms)
return {0}
