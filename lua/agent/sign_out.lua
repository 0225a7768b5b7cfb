--[[ agent/sign_out
End a session of an agent.

KEYS   session     string: epoch
       trail       stream: audit trail of what the tenant's agents and customers do, in this partition
ARGV   event       for the trail: who, empty = nothing is recorded
       most        events that it keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 SIGNED_OUT
       1 OVER      it was over before
REPEAT safe
DURABLE yes
]]
--@include record
local session, trail = KEYS[1], KEYS[2]
local event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3]

if redis.call('DEL', session) == 0 then
  return {1}
end
record(trail, 'agent-sign-out', event, most, kept_ms)
return {0}
