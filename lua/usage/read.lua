--[[ usage/read
Read what a tenant has used, hour by hour.

KEYS   usage       hash: by place in the ring of hours: hour since the epoch, submits, fetches, conflicts, gone
ARGV   now_us      empty = the clock of this server
REPLY  status, hour, lines
       0 READ      the hour that it is; a line for each that is kept, in no order
REPEAT safe
]]
--@include clock
local usage = KEYS[1]
local now_us = ARGV[1]

local lines = redis.call('HGETALL', usage)
local kept = {}
for place = 2, #lines, 2 do
  kept[#kept + 1] = lines[place]
end
return {0, math.floor(clock(now_us) / 3600000000), table.concat(kept, '\n')}
