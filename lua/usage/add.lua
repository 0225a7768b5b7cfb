--[[ usage/add
Add to what a tenant has used in this hour.

KEYS   usage       hash: by place in the ring of hours: hour since the epoch, submits, fetches, conflicts, gone
ARGV   submits
       fetches
       conflicts
       gone
       hours       of the ring
       now_us      empty = the clock of this server
REPLY  status
       0 ADDED
REPEAT unsafe      a repeat adds twice
DURABLE no         a failover costs some seconds of a plot
]]
--@include clock
local usage = KEYS[1]
local submits, fetches, conflicts, gone, hours, now_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local hour = math.floor(clock(now_us) / 3600000000)
local place = hour % hours
local was, s, f, c, g = (redis.call('HGET', usage, place) or ''):match('^(%d+) (%d+) (%d+) (%d+) (%d+)$')
if tonumber(was) ~= hour then
  s, f, c, g = 0, 0, 0, 0
end
redis.call('HSET', usage, place, string.format('%.0f %.0f %.0f %.0f %.0f', hour, s + submits, f + fetches,
  c + conflicts, g + gone))
redis.call('PEXPIRE', usage, hours * 3600000)
return {0}
