--[[ challenge/overdue
List pending challenges of this partition whose time is up, the oldest first.

KEYS   due         sorted set: pending challenges, by expires_ms
ARGV   most        how many to tell
       now_us      empty = the clock of this server
REPLY  status, due_as
       0 LISTED    members of the set, a line each
REPEAT safe
]]
--@include clock
local due = KEYS[1]
local most, now_us = tonumber(ARGV[1]), ARGV[2]

local now_ms = math.floor(clock(now_us) / 1000)
return {0, table.concat(redis.call('ZRANGEBYSCORE', due, 0, now_ms, 'LIMIT', 0, most), '\n')}
