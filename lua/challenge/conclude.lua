--[[ challenge/conclude
Note what became of an attempt that was counted. A right code is consumed here: its step is accepted once.

KEYS   challenge   hash
       factor      hash
ARGV   step        time step of the code, empty = the code was wrong
       free        failures in a row before the factor refuses for a while
       first_ms    its first wait
       longest_ms  its longest
       now_us      empty = the clock of this server
REPLY  status, now_ms
       0 VERIFIED
       1 FAILED    the code was wrong, or its step was accepted before
       2 CLOSED    the challenge was concluded otherwise meanwhile
REPEAT unsafe      a repeat would find its own conclusion
]]
--@include clock
--@include lock_ms
local challenge, factor = KEYS[1], KEYS[2]
local step, free = ARGV[1], tonumber(ARGV[2])
local first_ms, longest_ms, now_us = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'expires_ms')
if open[1] ~= 'PENDING' or now_ms >= tonumber(open[2]) or redis.call('HGET', factor, 'state') ~= 'ACTIVE' then
  return {2, now_ms}
end
if step ~= '' and tonumber(step) > (tonumber(redis.call('HGET', factor, 'step')) or -1) then
  redis.call('HSET', factor, 'step', step, 'failures', 0)
  redis.call('HSET', challenge, 'state', 'VERIFIED', 'updated_ms', now_ms)
  return {0, now_ms}
end
local failures = redis.call('HINCRBY', factor, 'failures', 1)
redis.call('HSET', factor, 'locked_ms', now_ms + lock_ms(failures, free, first_ms, longest_ms))
redis.call('HSET', challenge, 'state', 'FAILED', 'updated_ms', now_ms)
return {1, now_ms}
