--[[ factor/scan
Go through the ids of a tenant's factors of one state in this partition, some at a time. A factor that is there from
the first step to the last is told, once or more often.

KEYS   index       sorted set: active or inactive factors, by created_ms
ARGV   cursor      that the step before told, 0 = begin
       most        about how many to tell
REPLY  status, cursor, ids
       0 SCANNED   ids separated by blanks; a cursor of 0 = there are no more
REPEAT safe
]]
local index = KEYS[1]
local cursor, most = ARGV[1], ARGV[2]

local found = redis.call('ZSCAN', index, cursor, 'COUNT', most)
local ids = {}
for place = 1, #found[2], 2 do
  ids[#ids + 1] = found[2][place]
end
return {0, found[1], table.concat(ids, ' ')}
