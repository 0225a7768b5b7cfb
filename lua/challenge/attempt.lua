--[[ challenge/attempt
Count an attempt to answer a challenge, before the answer is looked at: of many at once, only so many are. It counts as
a failure of its factor, too, until challenge/conclude knows better: so the lock holds over all challenges at once.

KEYS   challenge   hash
       factor      hash
       active      sorted set: factors of the tenant in this partition
       inactive    sorted set
ARGV   factor_id
       free        failures in a row before the factor refuses for a while
       first_ms    its first wait
       longest_ms  its longest
       last        failures in a row after which it is over with the factor
       ids         of the keys that the caller can open with, each between blanks; empty = not asked
       now_us      empty = the clock of this server
REPLY  status, record, held, created_ms, expires_ms, now_ms, retry_after_ms
       0 COUNTED   held is the factor's record
       1 ABSENT
       2 CLOSED    answered, expired, or all its attempts are spent; or its factor is not active any more
       3 LOCKED    too many failures in a row, of this factor
       4 SEALED    the caller cannot open one of the records, so nothing is counted
REPEAT unsafe      a repeat counts twice
DURABLE yes
]]
--@include clock
--@include lock_ms
--@include opens
local challenge, factor, active, inactive = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local factor_id, free, first_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local longest_ms, last, ids, now_us = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]

local now_ms = math.floor(clock(now_us) / 1000)
local open = redis.call('HMGET', challenge, 'state', 'record', 'created_ms', 'expires_ms', 'most')
local held = redis.call('HMGET', factor, 'state', 'record', 'locked_ms', 'created_ms')
if not open[1] then
  return {1, '', '', 0, 0, now_ms, 0}
elseif open[1] ~= 'PENDING' or now_ms >= tonumber(open[4]) or held[1] ~= 'ACTIVE' then
  return {2, '', '', 0, 0, now_ms, 0}
end
local wait_ms = (tonumber(held[3]) or 0) - now_ms
if wait_ms > 0 then
  return {3, '', '', 0, 0, now_ms, wait_ms}
end
if not (opens(ids, open[2]) and opens(ids, held[2])) then
  return {4, open[2], held[2], 0, 0, now_ms, 0}
end
if redis.call('HINCRBY', challenge, 'attempts', 1) > tonumber(open[5]) then
  return {2, '', '', 0, 0, now_ms, 0}
end
local failures = redis.call('HINCRBY', factor, 'failures', 1)
if failures > last then
  redis.call('HSET', factor, 'state', 'INACTIVE', 'updated_ms', now_ms)
  redis.call('HINCRBY', factor, 'version', 1)
  redis.call('ZREM', active, factor_id)
  redis.call('ZADD', inactive, held[4], factor_id)
  return {2, '', '', 0, 0, now_ms, 0}
elseif failures >= free then
  redis.call('HSET', factor, 'locked_ms', now_ms + lock_ms(failures, free, first_ms, longest_ms))
end
return {0, open[2], held[2], tonumber(open[3]), tonumber(open[4]), now_ms, 0}
