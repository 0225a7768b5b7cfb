-- Append a line to the log of a tenant's deliveries, which holds about `most` of them; empty = there is none.
local function note(key, line, most, kept_ms)
  if line ~= '' then
    redis.call('XADD', key, 'MAXLEN', '~', most, '*', 'line', line)
    redis.call('PEXPIRE', key, kept_ms)
  end
end
