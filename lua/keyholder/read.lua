--[[ keyholder/read
Read which keys were ever used, and which processes have which.

KEYS   checks      hash: key check value by key id, and when a process was last here that seals with it, in ms
       holders     sorted set: processes and the ids of their keys, by when they were last here
ARGV   life_ms     a process that was not here for so long is gone
       now_us      empty = the clock of this server
REPLY  status, now_ms, keys, holders
       0 READ      a line each: id, check, sealed_ms (0 = never); the process and the ids of its keys
REPEAT safe
]]
--@include clock
local checks, holders = KEYS[1], KEYS[2]
local life_ms, now_us = tonumber(ARGV[1]), ARGV[2]

local now_ms = math.floor(clock(now_us) / 1000)
local known, lines = redis.call('HGETALL', checks), {}
for place = 1, #known, 2 do
  lines[#lines + 1] = known[place] .. ' ' .. known[place + 1]
end
local living = redis.call('ZRANGEBYSCORE', holders, now_ms - life_ms, '+inf')
return {0, now_ms, table.concat(lines, '\n'), table.concat(living, '\n')}
