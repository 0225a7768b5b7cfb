--[[ audit/note
Record what changes nothing else: a sign-in that was refused.

KEYS   trail       stream: audit trail of the one whom it concerns
       journal     stream: audit trail of this partition
ARGV   kind
       event
       concerns    0 = nobody is known whom it concerns: it is in the journal only
       most        events that each keeps, about
       kept_ms     how long they are kept
REPLY  status
       0 NOTED
REPEAT unsafe      a repeat is recorded twice
DURABLE yes
]]
--@include record
local trail, journal = KEYS[1], KEYS[2]
local kind, event, concerns, most, kept_ms = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4], ARGV[5]

if concerns then
  record(trail, kind, event, most, kept_ms)
end
record(journal, kind, event, most, kept_ms)
return {0}
