--[[ challenge/cancel
Take a challenge back, if nobody has answered it yet.

KEYS   challenge   hash
       due         sorted set: pending challenges of this partition
       outbox      stream: what couriers are to tell
ARGV   due_as      the challenge's member of the due set
       notice      whom to tell of the end, empty = nobody
       now_us      empty = the clock of this server
REPLY  status, now_ms
       0 CANCELLED
       1 ABSENT
       2 CLOSED    it has ended
REPEAT unsafe      a repeat would find its own end
DURABLE yes
]]
--@include clock
--@include announce
local challenge, due, outbox = KEYS[1], KEYS[2], KEYS[3]
local due_as, notice, now_us = ARGV[1], ARGV[2], ARGV[3]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'expires_ms')
if not open[1] then
  return {1, now_ms}
elseif open[1] ~= 'PENDING' or now_ms >= tonumber(open[2]) then
  return {2, now_ms}
end
redis.call('HSET', challenge, 'state', 'CANCELLED', 'updated_ms', now_ms)
redis.call('ZREM', due, due_as)
announce(outbox, notice, 'CANCELLED', now_ms)
return {0, now_ms}
