--[[ claim/read
Tell who has a name.

KEYS   claim       string: owner, or owner, taken_ms and nonce
REPLY  status, value
       0 TAKEN
       1 FREE
REPEAT safe
]]
local claim = KEYS[1]

local value = redis.call('GET', claim)
return {value and 0 or 1, value or ''}
