--[[ passcode/submit
Store a sealed passcode under a pass key that is free.

KEYS   passcode         string: fetches left, colon, sealed passcode
       receipt          string: sealed passcode that an earlier submit with this Idempotency-Key got
       limit            string: theoretical arrival time, microseconds
       trail            stream: the tenant's audit trail in this partition
ARGV   sealed
       ttl_ms           life of the passcode, and of the receipt
       fetches          how often it may be fetched, 0 = until it expires
       idempotent       1 = this submit carries an Idempotency-Key
       quota            submits of this pass key per window, 0 = no limit
       window_us
       event            for the trail: who submits which, empty = it is not recorded
       most             events that the trail keeps, about; 0 = it is not tended now
       kept_ms          how long they are kept
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
--@include record
local passcode, receipt, limit, trail = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sealed, ttl_ms, fetches, idempotent = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local quota, window_us = tonumber(ARGV[5]), tonumber(ARGV[6])
local event, most, kept_ms, now_us = ARGV[7], ARGV[8], ARGV[9], ARGV[10]

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
    record(trail, 'submit-again', event, most, kept_ms)
    return {1, earlier, remaining, reset_ms, 0}
  end
end
if not redis.call('SET', passcode, fetches .. ':' .. sealed, 'NX', 'PX', ttl_ms) then
  record(trail, 'conflict', event, most, kept_ms)
  return {2, '', remaining, reset_ms, 0}
end
if idempotent then
  redis.call('SET', receipt, sealed, 'PX', ttl_ms)
end
record(trail, 'submit', event, most, kept_ms)
return {0, sealed, remaining, reset_ms, 0}
