--[[ outbox/take
Take what is to be told now: what a courier had taken and not settled for too long, then what is new. What was put
off comes back first, once its time has come.

KEYS   outbox      stream: event, attempt
       retries     sorted set: attempt and event, by when it is to be tried again
ARGV   group       the couriers, who are one consumer to Redis: how long an entry is held tells who has died
       most        how many to take
       idle_ms     after which an entry is taken from whoever holds it
       now_us      empty = the clock of this server
REPLY  status, entries
       0 TAKEN     id, attempt and event, separated by blanks, a line each
       1 EMPTY
REPEAT safe        what is taken and lost comes back after idle_ms
DURABLE no         a failover has it taken again
]]
--@include clock
local outbox, retries = KEYS[1], KEYS[2]
local MOST_ROUNDS = 20
local group, most, idle_ms, now_us = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local now_ms = math.floor(clock(now_us) / 1000)
for _, retry in ipairs(redis.call('ZRANGEBYSCORE', retries, 0, now_ms, 'LIMIT', 0, most)) do
  local attempt, event = retry:match('^(%d+) (.*)$')
  -- What a newer version put off in another form is its couriers' to read.
  redis.call('XADD', outbox, '*', 'event', event or retry, 'attempt', attempt or '?')
  redis.call('ZREM', retries, retry)
end
if redis.call('EXISTS', outbox) == 0 or redis.call('XLEN', outbox) == 0 then
  return {1, ''}
end
if #redis.call('XINFO', 'GROUPS', outbox) == 0 then
  redis.call('XGROUP', 'CREATE', outbox, group, 0)
end
local lines = {}
local function add(entries)
  for _, entry in ipairs(entries) do
    lines[#lines + 1] = entry[1] .. ' ' .. (entry[2][4] or '?') .. ' ' .. (entry[2][2] or '?')
  end
end
-- A call looks at ten times as many held entries as it may claim: what waits behind more is further on.
local cursor, rounds = '0-0', 0
repeat
  local claimed = redis.call('XAUTOCLAIM', outbox, group, group, idle_ms, cursor, 'COUNT', most - #lines)
  add(claimed[2])
  cursor, rounds = claimed[1], rounds + 1
until cursor == '0-0' or #lines >= most or rounds >= MOST_ROUNDS
if #lines < most then
  local new = redis.call('XREADGROUP', 'GROUP', group, group, 'COUNT', most - #lines, 'STREAMS', outbox, '>')
  if new then
    add(new[1][2])
  end
end
return {#lines > 0 and 0 or 1, table.concat(lines, '\n')}
