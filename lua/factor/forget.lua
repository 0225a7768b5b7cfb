--[[ factor/forget
Remove a factor, its name if that is at home, and its place in the index.

KEYS   factor      hash
       claim       string: id of the factor that has the name under which this one was enrolled, and what
                   claim/hold adds
       pending     sorted set: ids of the tenant's factors in this partition that are not activated yet
       active      sorted set
       inactive    sorted set
       challenges  sorted set: ids of its challenges
ARGV   factor_id
REPLY  status
       0 FORGOTTEN
       1 ABSENT
REPEAT safe
DURABLE yes
]]
local factor, claim, pending, active, inactive, challenges = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local factor_id = ARGV[1]

redis.call('ZREM', pending, factor_id)
redis.call('ZREM', active, factor_id)
redis.call('ZREM', inactive, factor_id)
local held = redis.call('GET', claim)
if held and held:match('^%S+') == factor_id then
  redis.call('DEL', claim)
end
redis.call('DEL', challenges)
return {redis.call('DEL', factor) == 1 and 0 or 1}
