-- wrk: clients that ask without pause while they are served, and wait a second when they are told to (Retry-After).
-- wrk does not say whose answer it is, so the next to ask waits for whoever was refused.
local refused = 0

function response(status)
  if status == 503 or status == 429 then
    refused = refused + 1
  end
end

function delay()
  if refused > 0 then
    refused = refused - 1
    return 1000
  end
  return 0
end
