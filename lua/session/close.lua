--[[ session/close
End a session before its time.

KEYS   session     string: epoch
       trail       stream: the administrator's own audit trail in this partition
       journal     stream: audit trail of this partition
ARGV   event       for both trails: who did what, empty = nothing is recorded
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 CLOSED
       1 OVER      there was none
REPEAT safe
DURABLE no         a failover costs a sign-out: the session ends by itself
]]
--@include record
local session, trail, journal = KEYS[1], KEYS[2], KEYS[3]
local event, most, kept_ms = ARGV[1], ARGV[2], ARGV[3]

if redis.call('DEL', session) == 0 then
  return {1}
end
record(trail, 'sign-out', event, most, kept_ms)
record(journal, 'sign-out', event, most, kept_ms)
return {0}
