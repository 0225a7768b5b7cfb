--[[ claim/read
Tell who has a name.

KEYS   claim       string: owner
REPLY  status, owner
       0 TAKEN
       1 FREE
REPEAT safe
]]
local claim = KEYS[1]

local owner = redis.call('GET', claim)
return {owner and 0 or 1, owner or ''}
