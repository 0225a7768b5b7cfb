--[[ outbox/replay
Bring a dead letter back: it is to be told as if it were new.

KEYS   outbox      stream
       dead        sorted set: events of the tenant in this partition that were given up
ARGV   event
REPLY  status
       0 REPLAYED
       1 ABSENT    it is not, or no longer, a dead letter
REPEAT safe        a repeat finds it gone
DURABLE yes
]]
local outbox, dead = KEYS[1], KEYS[2]
local event = ARGV[1]

if redis.call('ZREM', dead, event) == 0 then
  return {1}
end
redis.call('XADD', outbox, '*', 'event', event, 'attempt', 1)
return {0}
