-- Charge up to `count` requests to a generic cell rate algorithm (ITU-T I.371) of `quota` requests per
-- `window_us`. The stored value is the theoretical arrival time in microseconds. Requests that the caller holds
-- back for up to `hold_us` arrive later than they were charged: that much of the burst is kept free, so that the
-- quota holds for the arrivals too. Returns granted, remaining, reset_ms (until the whole quota is free again) and
-- retry_after_ms. What is not granted costs nothing.
local function gcra(key, now_us, quota, window_us, hold_us, count)
  local emission_us = math.ceil(window_us / quota)  -- whole, or rounding would cost a burst its last request
  local burst_us = quota * emission_us - hold_us
  local ahead_us = math.max((tonumber(redis.call('GET', key)) or now_us) - now_us, 0)
  local granted = math.min(count, math.max(math.floor((burst_us - ahead_us) / emission_us), 0))
  if granted == 0 then
    return 0, 0, math.ceil(ahead_us / 1000), math.ceil((ahead_us + emission_us - burst_us) / 1000)
  end
  ahead_us = ahead_us + granted * emission_us
  redis.call('SET', key, string.format('%.0f', now_us + ahead_us), 'PX', math.ceil(ahead_us / 1000))
  return granted, math.floor((burst_us - ahead_us) / emission_us), math.ceil(ahead_us / 1000), 0
end
