--[[ challenge/open
Challenge the holder of an active factor.

KEYS   factor      hash
       challenge   hash: state, record, created_ms, updated_ms, expires_ms, most, attempts, wrong
       challenges  sorted set: ids of the factor's challenges, by created_ms
       due         sorted set: pending challenges of this partition, by expires_ms
ARGV   challenge_id
       due_as      its member of that set
       record      sealed: what the engine knows of it
       most        answers that are looked at; 0 = it is not answered with a code
       life_ms     until it expires
       kept_ms     until it is forgotten; the same for all challenges
       capacity    challenges of a factor that are kept at once
       now_us      empty = the clock of this server
REPLY  status, now_ms, retry_after_ms
       0 OPENED
       1 ABSENT    there is no such factor
       2 CLOSED    it is not active
       3 LOCKED    too many failures in a row
       4 FULL      as many as can be kept
REPEAT unsafe      a repeat would find its own challenge
DURABLE yes
]]
--@include clock
local factor, challenge, challenges, due = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local challenge_id, due_as, record, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local life_ms, kept_ms, capacity, now_us = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]

local now_ms = math.floor(clock(now_us) / 1000)
local found = redis.call('HMGET', factor, 'state', 'locked_ms')
if not found[1] then
  return {1, now_ms, 0}
elseif found[1] ~= 'ACTIVE' then
  return {2, now_ms, 0}
end
local wait_ms = (tonumber(found[2]) or 0) - now_ms
if wait_ms > 0 then
  return {3, now_ms, wait_ms}
end
redis.call('ZREMRANGEBYSCORE', challenges, 0, now_ms - kept_ms)
if redis.call('ZCARD', challenges) >= capacity then
  local oldest_ms = tonumber(redis.call('ZRANGE', challenges, 0, 0, 'WITHSCORES')[2])
  return {4, now_ms, oldest_ms + kept_ms - now_ms}
end
redis.call('HSET', challenge, 'state', 'PENDING', 'record', record, 'created_ms', now_ms, 'updated_ms', now_ms,
  'expires_ms', now_ms + life_ms, 'most', most)
redis.call('PEXPIRE', challenge, kept_ms)
redis.call('ZREMRANGEBYSCORE', due, 0, now_ms - kept_ms)  -- where no courier runs, of challenges that are forgotten
redis.call('ZADD', due, now_ms + life_ms, due_as)
redis.call('ZADD', challenges, now_ms, challenge_id)
redis.call('PEXPIRE', challenges, kept_ms)
return {0, now_ms, 0}
