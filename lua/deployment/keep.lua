--[[ deployment/keep
Read a secret of the deployment, or keep the proposed one: of many proposals the first is in force.

KEYS   deployment   hash: secrets by name, beside what deployment/open fixed
ARGV   name
       proposal     sealed
REPLY  status, secret
       0 KEPT       the proposal
       1 FOUND      an earlier one
REPEAT safe
DURABLE yes
]]
local deployment = KEYS[1]
local name, proposal = ARGV[1], ARGV[2]

if redis.call('HSETNX', deployment, name, proposal) == 1 then
  return {0, proposal}
end
return {1, redis.call('HGET', deployment, name)}
