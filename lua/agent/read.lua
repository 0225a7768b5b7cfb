--[[ agent/read
Read an agent.

KEYS   agent       hash: record, password_hash, epoch
REPLY  status, record, password_hash, epoch
       0 FOUND
       1 UNKNOWN
REPEAT safe
]]
local agent = KEYS[1]

local fields = redis.call('HMGET', agent, 'record', 'password_hash', 'epoch')
if not fields[1] then
  return {1, '', '', 0}
end
return {0, fields[1], fields[2], tonumber(fields[3])}
