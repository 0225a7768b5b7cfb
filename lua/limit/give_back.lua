--[[ limit/give_back
Take back what was charged for requests that were never made.

KEYS   limit       string: theoretical arrival time, microseconds
ARGV   back_us     what they were charged, less the time that they were held: that has drained already
REPLY  status
       0 TAKEN
       1 EMPTY     the limit is whole again by itself
REPEAT unsafe      a repeat gives back twice
DURABLE no         a limit may lose what a failover loses
]]
local limit = KEYS[1]
local back_us = tonumber(ARGV[1])

local arrival_us = tonumber(redis.call('GET', limit))
if not arrival_us then
  return {1}
end
redis.call('SET', limit, string.format('%.0f', arrival_us - back_us), 'KEEPTTL')
return {0}
