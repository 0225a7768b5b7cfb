--[[ claim/take
Take a name that must be unique. The claim lapses unless claim/keep makes it permanent.

KEYS   claim       string: owner
ARGV   owner
       lapse_ms    how long the owner has to keep it
REPLY  status
       0 TAKEN     ours now
       1 REFUSED   another owner has it
REPEAT safe        the same owner may take it again
DURABLE yes
]]
local claim = KEYS[1]
local owner, lapse_ms = ARGV[1], ARGV[2]

local holder = redis.call('GET', claim)
if not holder then
  redis.call('SET', claim, owner, 'PX', lapse_ms)
elseif holder ~= owner then
  return {1}
end
return {0}
