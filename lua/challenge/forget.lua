--[[ challenge/forget
Remove a challenge and its places in the indexes.

KEYS   challenge   hash
       challenges  sorted set: ids of the factor's challenges
       due         sorted set: pending challenges of this partition
ARGV   challenge_id
       due_as      its member of the due set
REPLY  status
       0 FORGOTTEN
       1 ABSENT
REPEAT safe
DURABLE yes
]]
local challenge, challenges, due = KEYS[1], KEYS[2], KEYS[3]
local challenge_id, due_as = ARGV[1], ARGV[2]

redis.call('ZREM', challenges, challenge_id)
redis.call('ZREM', due, due_as)
return {redis.call('DEL', challenge) == 1 and 0 or 1}
