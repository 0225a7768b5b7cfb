--[[ challenge/attempt
Count an attempt to answer a challenge, before the answer is looked at: of many at once, only so many are.

KEYS   challenge   hash
       factor      hash
ARGV   now_us      empty = the clock of this server
REPLY  status, record, held, created_ms, expires_ms, now_ms, retry_after_ms
       0 COUNTED   held is the factor's record
       1 ABSENT
       2 CLOSED    answered, expired, or all its attempts are spent; or its factor is not active any more
       3 LOCKED    too many failures in a row, of this factor
REPEAT unsafe      a repeat counts twice
]]
--@include clock
local challenge, factor = KEYS[1], KEYS[2]
local now_us = ARGV[1]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'record', 'created_ms', 'expires_ms', 'most')
local held = redis.call('HMGET', factor, 'state', 'record', 'locked_ms')
if not open[1] then
  return {1, '', '', 0, 0, now_ms, 0}
elseif open[1] ~= 'PENDING' or now_ms >= tonumber(open[4]) or held[1] ~= 'ACTIVE' then
  return {2, '', '', 0, 0, now_ms, 0}
end
local wait_ms = (tonumber(held[3]) or 0) - now_ms
if wait_ms > 0 then
  return {3, '', '', 0, 0, now_ms, wait_ms}
end
if redis.call('HINCRBY', challenge, 'attempts', 1) > tonumber(open[5]) then
  return {2, '', '', 0, 0, now_ms, 0}
end
return {0, open[2], held[2], tonumber(open[3]), tonumber(open[4]), now_ms, 0}
