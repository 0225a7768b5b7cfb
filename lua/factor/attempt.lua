--[[ factor/attempt
Count an attempt to activate a factor, before its code is looked at.

KEYS   factor      hash
ARGV   most        attempts that are looked at
       now_us      empty = the clock of this server
REPLY  status, attempts, now_ms
       0 COUNTED
       1 ABSENT
       2 CLOSED    it is active already, it has ended, or its attempts are spent
REPEAT unsafe      a repeat counts twice
DURABLE yes
]]
--@include clock
local factor = KEYS[1]
local most, now_us = tonumber(ARGV[1]), ARGV[2]

local now_ms = math.floor(clock(now_us) / 1000)
local state = redis.call('HGET', factor, 'state')
if not state then
  return {1, 0, now_ms}
elseif state ~= 'PENDING' then
  return {2, 0, now_ms}
end
local attempts = redis.call('HINCRBY', factor, 'attempts', 1)
return {attempts > most and 2 or 0, attempts, now_ms}
