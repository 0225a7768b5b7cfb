--[[ claim/hold
Take a name, or take it anew: whoever had it before keeps it, but under another value. Two owners never have one name.

KEYS   claim       string: owner, or owner, taken_ms and nonce, separated by blanks
ARGV   owner
       nonce       no two holds have the same
       lapse_ms    until the name is free again, unless the owner has it for longer already; empty = never
       now_us      empty = the clock of this server
REPLY  status, value, now_ms
       0 HELD      ours now, and the claim has this value
       1 REFUSED   another owner has it, by this value
REPEAT safe        the same owner may take it again
DURABLE yes
]]
--@include clock
local claim = KEYS[1]
local owner, nonce, lapse_ms, now_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local now_ms = math.floor(clock(now_us) / 1000)
local held = redis.call('GET', claim)
if held and held:match('^%S+') ~= owner then
  return {1, held, now_ms}
end
local value = owner .. ' ' .. now_ms .. ' ' .. nonce
if lapse_ms == '' then
  redis.call('SET', claim, value)
elseif held then
  redis.call('SET', claim, value, 'KEEPTTL')
else
  redis.call('SET', claim, value, 'PX', lapse_ms)
end
return {0, value, now_ms}
