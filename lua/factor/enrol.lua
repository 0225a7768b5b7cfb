--[[ factor/enrol
Give a user a factor, to be activated within its life.

KEYS   claim       string: id of the factor that has the user's name, and what claim/hold adds
       factor      hash: state, version, record, created_ms, updated_ms, attempts, failures, step, locked_ms
       pending     sorted set: ids of the tenant's factors in this partition that are not activated, by created_ms
ARGV   factor_id
       record      sealed: what the engine knows of it
       life_ms     until it is forgotten unless it is activated; the same for all factors
       now_us      empty = the clock of this server
REPLY  status, now_ms, value
       0 ENROLLED
       1 TAKEN     a factor has the name already, by a claim of this value
REPEAT unsafe      a repeat would find its own factor
DURABLE yes
]]
--@include clock
local claim, factor, pending = KEYS[1], KEYS[2], KEYS[3]
local factor_id, record, life_ms, now_us = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local now_ms = math.floor(clock(now_us) / 1000)
if not redis.call('SET', claim, factor_id, 'NX', 'PX', life_ms) then
  return {1, now_ms, redis.call('GET', claim)}
end
redis.call('HSET', factor, 'state', 'PENDING', 'version', 1, 'record', record, 'created_ms', now_ms,
  'updated_ms', now_ms)
redis.call('PEXPIRE', factor, life_ms)
redis.call('ZADD', pending, now_ms, factor_id)
redis.call('PEXPIRE', pending, life_ms)
return {0, now_ms, factor_id}
