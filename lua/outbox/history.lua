--[[ outbox/history
Tell of a tenant's deliveries in this partition, the youngest first.

KEYS   dead        sorted set: events that were given up, by when
       deliveries  stream: log
ARGV   most        how many of each
REPLY  status, dead, log
       0 TOLD      of dead letters event and instant in turns, of the log id and line in turns, a line each
REPEAT safe
]]
local dead, deliveries = KEYS[1], KEYS[2]
local most = tonumber(ARGV[1])

local lines = {}
for _, entry in ipairs(redis.call('XREVRANGE', deliveries, '+', '-', 'COUNT', most)) do
  lines[#lines + 1] = entry[1] .. '\n' .. entry[2][2]
end
local letters = redis.call('ZRANGE', dead, 0, most - 1, 'REV', 'WITHSCORES')
return {0, table.concat(letters, '\n'), table.concat(lines, '\n')}
