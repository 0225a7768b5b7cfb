--[[ challenge/read
Read a challenge. One whose time is up is EXPIRED, whoever has noted it.

KEYS   challenge   hash
ARGV   now_us      empty = the clock of this server
REPLY  status, state, record, created_ms, updated_ms, expires_ms
       0 FOUND
       1 ABSENT
REPEAT safe
]]
--@include clock
local challenge = KEYS[1]
local now_us = ARGV[1]

local found = redis.call('HMGET', challenge, 'state', 'record', 'created_ms', 'updated_ms', 'expires_ms')
if not found[1] then
  return {1, '', '', 0, 0, 0}
end
local state, updated_ms, expires_ms = found[1], tonumber(found[4]), tonumber(found[5])
if state == 'PENDING' and clock(now_us) / 1000 >= expires_ms then
  state, updated_ms = 'EXPIRED', expires_ms
end
return {0, state, found[2], tonumber(found[3]), updated_ms, expires_ms}
