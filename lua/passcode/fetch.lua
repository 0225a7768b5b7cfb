--[[ passcode/fetch
Hand a sealed passcode to the agent and use up one of its fetches.

KEYS   passcode     string: fetches left, colon, sealed passcode
       receipt      string: sealed passcode that an earlier fetch with this Idempotency-Key got
ARGV   idempotent   1 = this fetch carries an Idempotency-Key
REPLY  status, sealed
       0 FETCHED
       1 REPLAYED   sealed is what the first fetch with this Idempotency-Key got
       2 GONE       unknown, expired or used up: one answer for all
REPEAT unsafe       a repeat without an Idempotency-Key would find the passcode used up
DURABLE yes
]]
local passcode, receipt = KEYS[1], KEYS[2]
local idempotent = ARGV[1] == '1'

if idempotent then
  local earlier = redis.call('GET', receipt)
  if earlier then
    return {1, earlier}
  end
end
local value = redis.call('GET', passcode)
if not value then
  return {2, ''}
end
local colon = string.find(value, ':', 1, true)
local left, sealed = tonumber(string.sub(value, 1, colon - 1)), string.sub(value, colon + 1)
if idempotent then
  redis.call('SET', receipt, sealed, 'PX', math.max(redis.call('PTTL', passcode), 1))
end
if left == 1 then
  redis.call('DEL', passcode)
elseif left > 1 then
  redis.call('SET', passcode, (left - 1) .. ':' .. sealed, 'KEEPTTL')
end
return {0, sealed}
