--[[ limit/charge
Charge requests to a rate limit: one that is being served, or several that the caller may hold for a while.

KEYS   limit       string: theoretical arrival time, microseconds
ARGV   quota       requests per window
       window_us
       hold_us     longest time that a charged request is held back
       count       requests asked for
       now_us      empty = the clock of this server
REPLY  status, granted, remaining, reset_ms, retry_after_ms
       0 ALLOWED   granted is 1 to count
       1 EXCEEDED  nothing was charged
REPEAT unsafe      a repeat charges twice
DURABLE no         a limit may lose what a failover loses
]]
--@include clock
--@include gcra
local limit = KEYS[1]
local quota, window_us, hold_us = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local count, now_us = tonumber(ARGV[4]), ARGV[5]

local granted, remaining, reset_ms, retry_after_ms = gcra(limit, clock(now_us), quota, window_us, hold_us, count)
return {granted > 0 and 0 or 1, granted, remaining, reset_ms, retry_after_ms}
