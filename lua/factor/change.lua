--[[ factor/change
Change a factor, if it is still the version that the caller has read: all of it or nothing.

KEYS   factor      hash
       claim       string: id of the factor that has the name which this one had, and what claim/hold adds
       pending     sorted set: factors that are not activated yet, by created_ms
       active      sorted set: by created_ms
       inactive    sorted set: by created_ms
ARGV   factor_id
       version     that was read
       state       from now on: ACTIVE and INACTIVE factors are kept for good
       record
       step        time step of the code that activates it, empty = none
       releases    value of the claim that is given up, empty = none
       until_ms    the new name is claimed until then, empty = for good
       now_us      empty = the clock of this server
REPLY  status, now_ms
       0 CHANGED
       1 STALE     somebody else changed it first, or it is late: read again, claim again
       2 ABSENT
       3 REPLAYED  a code of this step, or a later one, was accepted before
REPEAT unsafe      a repeat would find its own version
DURABLE yes
]]
--@include clock
local factor, claim, pending, active, inactive = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local factor_id, version, state, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local step, releases, until_ms, now_us = ARGV[5], ARGV[6], ARGV[7], ARGV[8]

local now_ms = math.floor(clock(now_us) / 1000)
local found = redis.call('HMGET', factor, 'version', 'step', 'created_ms')
if not found[1] then
  return {2, now_ms}
elseif found[1] ~= version or (until_ms ~= '' and now_ms > tonumber(until_ms)) then
  return {1, now_ms}
end
if step ~= '' then
  if found[2] and tonumber(found[2]) >= tonumber(step) then
    return {3, now_ms}
  end
  redis.call('HSET', factor, 'step', step)
end
redis.call('HSET', factor, 'state', state, 'version', tonumber(version) + 1, 'record', record, 'updated_ms', now_ms)
local held = redis.call('GET', claim)
if held == releases then
  redis.call('DEL', claim)
elseif held and held:match('^%S+') == factor_id and state ~= 'PENDING' then
  redis.call('PERSIST', claim)
end
if state ~= 'PENDING' then
  redis.call('PERSIST', factor)
  redis.call('ZREM', pending, factor_id)
  if state == 'ACTIVE' then
    redis.call('ZREM', inactive, factor_id)
    redis.call('ZADD', active, found[3], factor_id)
  else
    redis.call('ZREM', active, factor_id)
    redis.call('ZADD', inactive, found[3], factor_id)
  end
end
return {0, now_ms}
