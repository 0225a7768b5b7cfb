--[[ challenge/expire
Note that the time of a challenge is up, and leave word of it. Readers have seen it as EXPIRED since then.

KEYS   challenge   hash
       due         sorted set: pending challenges of this partition
       outbox      stream: what couriers are to tell
ARGV   due_as      the challenge's member of the due set
       notice      whom to tell of the end, empty = nobody
       now_us      empty = the clock of this server
REPLY  status
       0 EXPIRED
       1 ENDED     otherwise, or noted before, or forgotten
       2 EARLY     its time is not up
REPEAT safe        a repeat finds that it is noted
DURABLE no         a failover leaves it to be noted again
]]
--@include clock
--@include announce
local challenge, due, outbox = KEYS[1], KEYS[2], KEYS[3]
local due_as, notice, now_us = ARGV[1], ARGV[2], ARGV[3]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'expires_ms')
if open[1] == 'PENDING' and now_ms < tonumber(open[2]) then
  return {2}
end
redis.call('ZREM', due, due_as)
if open[1] ~= 'PENDING' then
  return {1}
end
redis.call('HSET', challenge, 'state', 'EXPIRED', 'updated_ms', open[2])
announce(outbox, notice, 'EXPIRED', open[2])
return {0}
