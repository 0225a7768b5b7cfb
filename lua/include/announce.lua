-- Leave word of a change of state for couriers, in the script that makes the change. `notice` says whom to tell and
-- of what; empty = nobody.
local function announce(key, notice, state, now_ms)
  if notice ~= '' then
    redis.call('XADD', key, '*', 'event', notice .. ' ' .. state .. ' ' .. now_ms, 'attempt', 1)
  end
end
