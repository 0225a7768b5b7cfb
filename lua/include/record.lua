-- Append an event to an audit trail, which is made if need be; no event = nothing is recorded. The trail lives as long
-- after its last event as that is to be kept. `most` = it is tended too: about so many events stay, of the last
-- `kept_ms`; 0 = somebody tended it lately.
local function record(key, kind, event, most, kept_ms)
  if event == '' or (most == '0' and redis.call('XADD', key, 'NOMKSTREAM', '*', kind, event)) then
    return
  end
  local by, bound = 'MAXLEN', most
  if most == '0' or redis.call('XLEN', key) <= tonumber(most) then
    by, bound = 'MINID', string.format('%.0f', redis.call('TIME')[1] * 1000 - kept_ms)
  end
  redis.call('XADD', key, by, '~', bound, '*', kind, event)
  redis.call('PEXPIRE', key, kept_ms + 3600000)  -- tended again within the hour, if there is anything to keep
end
