-- Whether a ring has the key of a sealed value. `ids` are those of its keys, each between blanks; empty = all there are.
local function opens(ids, sealed)
  return ids == '' or ids:find(' ' .. sealed:match('^[^.]*') .. ' ', 1, true) ~= nil
end
