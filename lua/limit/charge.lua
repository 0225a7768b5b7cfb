--[[ limit/charge
Charge one request to a rate limit.

KEYS   limit       string: theoretical arrival time, microseconds
ARGV   quota       requests per window
       window_us
       now_us      empty = the clock of this server
REPLY  status, remaining, reset_ms, retry_after_ms
       0 ALLOWED
       1 EXCEEDED  nothing was charged
REPEAT unsafe      a repeat charges twice
]]
--@include clock
--@include gcra
local limit = KEYS[1]
local quota, window_us, now_us = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

local allowed, remaining, reset_ms, retry_after_ms = gcra(limit, clock(now_us), quota, window_us)
return {allowed and 0 or 1, remaining, reset_ms, retry_after_ms}
