--[[ keyholder/join
Note that a process lives and which keys it has, again and again: of its ring the first seals, all open. It is noted
only if it can open what every other living process seals, and they what it seals.

KEYS   checks      hash: key check value by key id, and when a process was last here that seals with it, in ms
       holders     sorted set: processes and the ids of their keys, by when they were last here
ARGV   holder      the process, without blanks
       ring        id=check, separated by blanks
       life_ms     a process that was not here for so long is gone
       now_us      empty = the clock of this server
REPLY  status, subject, now_ms
       0 JOINED
       1 FORGED    under this id another key was used before
       2 LACKING   a living process seals with the key of this id, which is not in the ring
       3 AHEAD     the ring seals with a key that this living process does not have
REPEAT safe
DURABLE no         what a failover undoes is noted again
]]
--@include clock
local checks, holders = KEYS[1], KEYS[2]
local holder, ring, life_ms, now_us = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local now_ms = math.floor(clock(now_us) / 1000)
local ids, first = ' ', ring:match('^%w+')
for id, check in ring:gmatch('(%w+)=(%w+)') do
  local known = redis.call('HGET', checks, id)
  if known and known:match('^%w+') ~= check then
    return {1, id, now_ms}
  end
  ids = ids .. id .. ' '
end
redis.call('ZREMRANGEBYSCORE', holders, 0, now_ms - life_ms)
for _, other in ipairs(redis.call('ZRANGE', holders, 0, -1)) do
  local name, sealing = other:match('^(%S+) (%w+)')
  if not ids:find(' ' .. sealing .. ' ', 1, true) then
    return {2, sealing, now_ms}
  elseif not (other .. ' '):find(' ' .. first .. ' ', 1, true) then
    return {3, name, now_ms}
  end
end
for id, check in ring:gmatch('(%w+)=(%w+)') do
  if id == first then
    redis.call('HSET', checks, id, check .. ' ' .. now_ms)
  else
    redis.call('HSETNX', checks, id, check .. ' 0')
  end
end
redis.call('ZADD', holders, now_ms, holder .. ids:sub(1, -2))
redis.call('PEXPIRE', holders, life_ms)
return {0, '', now_ms}
