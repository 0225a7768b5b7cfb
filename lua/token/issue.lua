--[[ token/issue
Remember an access token for as long as it is good.

KEYS   token       string: whose it is and for what
ARGV   grant
       life_ms
REPLY  status
       0 ISSUED
REPEAT safe
DURABLE no         a failover costs a client another token
]]
local token = KEYS[1]
local grant, life_ms = ARGV[1], ARGV[2]

redis.call('SET', token, grant, 'PX', life_ms)
return {0}
