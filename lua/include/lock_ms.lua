-- How long a factor refuses after so many failures in a row: nothing below `free`, then `first_ms`, doubling with
-- each further one, never more than `longest_ms` (NIST SP 800-63B-4 3.2.2).
local function lock_ms(failures, free, first_ms, longest_ms)
  if failures < free then
    return 0
  end
  return math.min(first_ms * 2 ^ math.min(failures - free, 40), longest_ms)
end
