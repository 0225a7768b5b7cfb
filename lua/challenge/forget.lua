--[[ challenge/forget
Remove a challenge and its place in the index.

KEYS   challenge   hash
       challenges  sorted set: ids of the factor's challenges
ARGV   challenge_id
REPLY  status
       0 FORGOTTEN
       1 ABSENT
REPEAT safe
]]
local challenge, challenges = KEYS[1], KEYS[2]
local challenge_id = ARGV[1]

redis.call('ZREM', challenges, challenge_id)
return {redis.call('DEL', challenge) == 1 and 0 or 1}
