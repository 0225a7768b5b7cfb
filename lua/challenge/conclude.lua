--[[ challenge/conclude
Note what became of an attempt that was counted. A right code is consumed here: its step is accepted once.

KEYS   challenge   hash
       factor      hash
       due         sorted set: pending challenges of this partition
       outbox      stream: what couriers are to tell
ARGV   is_right    1 = the code was right
       step        time step of a right code, empty = it has none
       due_as      the challenge's member of the due set
       notice      whom to tell of the end, empty = nobody
       now_us      empty = the clock of this server
REPLY  status, now_ms
       0 VERIFIED
       1 FAILED    the code was wrong, or its step was accepted before
       2 CLOSED    the challenge was concluded otherwise meanwhile
       3 WRONG     the same as FAILED, but another code may be tried
REPEAT unsafe      a repeat would find its own conclusion
DURABLE yes
]]
--@include clock
--@include announce
local challenge, factor, due, outbox = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local is_right, step = ARGV[1] == '1', ARGV[2]
local due_as, notice, now_us = ARGV[3], ARGV[4], ARGV[5]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'expires_ms', 'most')
local held = redis.call('HMGET', factor, 'state', 'step')
if open[1] ~= 'PENDING' or now_ms >= tonumber(open[2]) or held[1] ~= 'ACTIVE' then
  return {2, now_ms}
end
local is_new = step == '' or tonumber(step) > (tonumber(held[2]) or -1)
local state = is_right and is_new and 'VERIFIED' or 'FAILED'
if state == 'VERIFIED' then
  redis.call('HSET', factor, 'failures', 0, 'locked_ms', 0, 'step', step ~= '' and step or held[2] or -1)
elseif redis.call('HINCRBY', challenge, 'wrong', 1) < tonumber(open[3]) then
  redis.call('HSET', challenge, 'updated_ms', now_ms)
  return {3, now_ms}
end
redis.call('HSET', challenge, 'state', state, 'updated_ms', now_ms)
redis.call('ZREM', due, due_as)
announce(outbox, notice, state, now_ms)
return {state == 'VERIFIED' and 0 or 1, now_ms}
