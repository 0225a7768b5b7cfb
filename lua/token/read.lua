--[[ token/read
Tell whose an access token is.

KEYS   token       string: whose it is and for what
REPLY  status, grant
       0 FOUND
       1 ABSENT    never issued, expired or revoked
REPEAT safe
]]
local token = KEYS[1]

local grant = redis.call('GET', token)
return {grant and 0 or 1, grant or ''}
