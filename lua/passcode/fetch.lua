--[[ passcode/fetch
Hand a sealed passcode to the agent and use up one of its fetches.

KEYS   passcode     string: fetches left, colon, sealed passcode
       receipt      string: sealed passcode that an earlier fetch with this Idempotency-Key got
ARGV   idempotent   1 = this fetch carries an Idempotency-Key
       timed        1 = the caller asks how long the passcode lives
       ids          of the keys that the caller can open with, each between blanks; empty = not asked
REPLY  status, sealed, left_ms
       0 FETCHED
       1 REPLAYED   sealed is what the first fetch with this Idempotency-Key got
       2 GONE       unknown, expired or used up: one answer for all
       3 SEALED     the caller cannot open it, so no fetch is used up
REPEAT unsafe       a repeat without an Idempotency-Key would find the passcode used up
DURABLE yes
]]
--@include opens
local passcode, receipt = KEYS[1], KEYS[2]
local idempotent, timed, ids = ARGV[1] == '1', ARGV[2] == '1', ARGV[3]

if idempotent then
  local earlier = redis.call('GET', receipt)
  if earlier then
    return {1, earlier, timed and math.max(redis.call('PTTL', receipt), 0) or -1}
  end
end
local value = redis.call('GET', passcode)
if not value then
  return {2, '', -1}
end
local colon = string.find(value, ':', 1, true)
local left, sealed = tonumber(string.sub(value, 1, colon - 1)), string.sub(value, colon + 1)
if not opens(ids, sealed) then
  return {3, sealed, -1}
end
local left_ms = -1
if idempotent or timed then
  left_ms = math.max(redis.call('PTTL', passcode), 1)
end
if idempotent then
  redis.call('SET', receipt, sealed, 'PX', left_ms)
end
if left == 1 then
  redis.call('DEL', passcode)
elseif left > 1 then
  redis.call('SET', passcode, (left - 1) .. ':' .. sealed, 'KEEPTTL')
end
return {0, sealed, timed and left_ms or -1}
