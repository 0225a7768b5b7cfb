--[[ deployment/open
Read what was fixed when this deployment was first started, or fix it now.

KEYS   deployment   hash: partitions, index_key
ARGV   partitions   proposed number of partitions
       index_key    proposed sealed key of the digests in key names
REPLY  status, partitions, index_key
       0 FOUNDED    first start: the proposal is now in force
       1 JOINED     what an earlier start fixed
REPEAT safe
DURABLE yes
]]
local deployment = KEYS[1]
local partitions, index_key = ARGV[1], ARGV[2]

if redis.call('HSETNX', deployment, 'partitions', partitions) == 1 then
  redis.call('HSET', deployment, 'index_key', index_key)
  return {0, tonumber(partitions), index_key}
end
local fixed = redis.call('HMGET', deployment, 'partitions', 'index_key')
return {1, tonumber(fixed[1]), fixed[2]}
