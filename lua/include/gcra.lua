-- Charge one request to a generic cell rate algorithm (ITU-T I.371) of `quota` requests per `window_us`.
-- The stored value is the theoretical arrival time in microseconds. Returns allowed, remaining,
-- reset_ms (until the whole quota is free again) and retry_after_ms. A refused request costs nothing.
local function gcra(key, now_us, quota, window_us)
  local emission_us = window_us / quota
  local arrival_us = math.max(tonumber(redis.call('GET', key)) or now_us, now_us)
  local next_us = arrival_us + emission_us
  local ahead_us = next_us - now_us
  if ahead_us > window_us then
    return false, 0, math.ceil((arrival_us - now_us) / 1000), math.ceil((ahead_us - window_us) / 1000)
  end
  redis.call('SET', key, string.format('%.0f', next_us), 'PX', math.ceil(ahead_us / 1000))
  return true, math.floor((window_us - ahead_us) / emission_us), math.ceil(ahead_us / 1000), 0
end
