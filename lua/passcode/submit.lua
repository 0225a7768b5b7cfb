--[[ passcode/submit
Store a sealed passcode under a pass key that is free.

KEYS   passcode         string: fetches left, colon, sealed passcode
       receipt          string: sealed passcode that an earlier submit with this Idempotency-Key got
       limit            string: theoretical arrival time, microseconds
ARGV   sealed
       ttl_ms           life of the passcode, and of the receipt
       fetches          how often it may be fetched, 0 = until it expires
       idempotent       1 = this submit carries an Idempotency-Key
       quota            submits of this pass key per window, 0 = no limit
       window_us
       now_us           empty = the clock of this server
REPLY  status, sealed, remaining, reset_ms, retry_after_ms
       0 STORED
       1 REPLAYED       sealed is what the first submit with this Idempotency-Key got
       2 TAKEN          somebody else's passcode is alive under this pass key
       3 EXCEEDED       over the limit
REPEAT unsafe           a repeat without an Idempotency-Key would find its own passcode and say TAKEN
DURABLE yes
]]
--@include clock
--@include gcra
local passcode, receipt, limit = KEYS[1], KEYS[2], KEYS[3]
local sealed, ttl_ms, fetches, idempotent = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local quota, window_us, now_us = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

local remaining, reset_ms = -1, 0
if quota > 0 then
  local granted, retry_after_ms
  granted, remaining, reset_ms, retry_after_ms = gcra(limit, clock(now_us), quota, window_us, 0, 1)
  if granted == 0 then
    return {3, '', 0, reset_ms, retry_after_ms}
  end
end
if idempotent then
  local earlier = redis.call('GET', receipt)
  if earlier then
    return {1, earlier, remaining, reset_ms, 0}
  end
end
if not redis.call('SET', passcode, fetches .. ':' .. sealed, 'NX', 'PX', ttl_ms) then
  return {2, '', remaining, reset_ms, 0}
end
if idempotent then
  redis.call('SET', receipt, sealed, 'PX', ttl_ms)
end
return {0, sealed, remaining, reset_ms, 0}
