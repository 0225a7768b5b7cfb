-- Microseconds since the epoch by the clock of this server, or the instant that a test passed in.
local function clock(given_us)
  if given_us ~= '' then
    return tonumber(given_us)
  end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
