--[[ audit/read
Read a step of an audit trail, and tell of what is looked for.

KEYS   trail       stream: kind and event
ARGV   order       REV = the youngest first, empty = the oldest
       first       where to begin, an id as XRANGE has it
       last        where to end
       most        how many to look at
       kinds       that are looked for, each between blanks; empty = all
       actor       what the actor begins with; empty = any
       subject     what the subject begins with; empty = any
REPLY  status, looked, entries
       0 READ      there may be more behind the id that was looked at last; entries are a line each: id, kind, event
       1 ENDED     there is no more
REPEAT safe
]]
local trail = KEYS[1]
local order, first, last, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local kinds, actor, subject = ARGV[5], ARGV[6], ARGV[7]

local found
if order == 'REV' then
  found = redis.call('XREVRANGE', trail, first, last, 'COUNT', most)
else
  found = redis.call('XRANGE', trail, first, last, 'COUNT', most)
end
local lines, looked = {}, ''
for _, entry in ipairs(found) do
  local kind, event = entry[2][1], entry[2][2]
  looked = entry[1]
  if (kinds == '' or kinds:find(' ' .. kind .. ' ', 1, true)) and event:sub(1, #actor) == actor
    and (subject == '' or event:find(' ' .. subject, 1, true) == event:find(' ', 1, true)) then
    lines[#lines + 1] = looked .. ' ' .. kind .. ' ' .. event
  end
end
return {#found < most and 1 or 0, looked, table.concat(lines, '\n')}
