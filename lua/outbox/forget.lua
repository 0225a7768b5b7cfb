--[[ outbox/forget
Remove what is kept of a tenant's deliveries in this partition.

KEYS   dead        sorted set: events that were given up
       deliveries  stream: log
REPLY  status, letters
       0 FORGOTTEN letters = dead letters that there were
REPEAT safe
DURABLE yes
]]
local dead, deliveries = KEYS[1], KEYS[2]

local letters = redis.call('ZCARD', dead)
redis.call('DEL', dead, deliveries)
return {0, letters}
