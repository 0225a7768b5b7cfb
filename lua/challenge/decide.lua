--[[ challenge/decide
Approve or deny a challenge: a yes or no is no guess, so nothing is counted. The first decision stands.

KEYS   challenge   hash
       factor      hash
       due         sorted set: pending challenges of this partition
       outbox      stream: what couriers are to tell
ARGV   is_approved 1 = yes
       due_as      the challenge's member of the due set
       notice      whom to tell of the end, empty = nobody
       now_us      empty = the clock of this server
REPLY  status, now_ms
       0 VERIFIED
       1 FAILED    denied
       2 ABSENT
       3 CLOSED    it has ended, or its factor is not active any more
REPEAT unsafe      a repeat would find its own decision
DURABLE yes
]]
--@include clock
--@include announce
local challenge, factor, due, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local is_approved, due_as, notice, now_us = ARGV[1] == '1', ARGV[2], ARGV[3], ARGV[4]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'expires_ms')
if not open[1] then
  return {2, now_ms}
elseif open[1] ~= 'PENDING' or now_ms >= tonumber(open[2]) or redis.call('HGET', factor, 'state') ~= 'ACTIVE' then
  return {3, now_ms}
end
local state = is_approved and 'VERIFIED' or 'FAILED'
redis.call('HSET', challenge, 'state', state, 'updated_ms', now_ms)
redis.call('ZREM', due, due_as)
announce(outbox, notice, state, now_ms)
return {is_approved and 0 or 1, now_ms}
