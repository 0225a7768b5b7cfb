--[[ factor/attempt
Count an attempt to activate a factor, before its code is looked at.

KEYS   factor      hash
ARGV   most        attempts that are looked at
       ids         of the keys that the caller can open with, each between blanks; empty = not asked
       now_us      empty = the clock of this server
REPLY  status, attempts, now_ms, record
       0 COUNTED
       1 ABSENT
       2 CLOSED    it is active already, it has ended, or its attempts are spent
       3 SEALED    the caller cannot open the record, so nothing is counted
REPEAT unsafe      a repeat counts twice
DURABLE yes
]]
--@include clock
--@include opens
local factor = KEYS[1]
local most, ids, now_us = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local now_ms = math.floor(clock(now_us) / 1000)
local found = redis.call('HMGET', factor, 'state', 'record')
if not found[1] then
  return {1, 0, now_ms, ''}
elseif found[1] ~= 'PENDING' then
  return {2, 0, now_ms, ''}
elseif not opens(ids, found[2]) then
  return {3, 0, now_ms, found[2]}
end
local attempts = redis.call('HINCRBY', factor, 'attempts', 1)
return {attempts > most and 2 or 0, attempts, now_ms, found[2]}
