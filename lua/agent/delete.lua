--[[ agent/delete
Delete an agent, and with it every session: they are compared with what is no more.

KEYS   agent       hash: record, password_hash, epoch
       agents      set: ids of the tenant's agents
ARGV   id
REPLY  status
       0 DELETED
       1 UNKNOWN
REPEAT safe
DURABLE yes
]]
local agent, agents = KEYS[1], KEYS[2]
local id = ARGV[1]

redis.call('SREM', agents, id)
return {redis.call('DEL', agent) == 1 and 0 or 1}
