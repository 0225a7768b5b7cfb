-- wrk: every request names the next number of a range, so that no passcode is asked for twice.
-- Arguments: path prefix, first number, API key or "", "submit" or "fetch".
local prefix, number, api_key, operation

function init(args)
  prefix, number, api_key, operation = args[1], tonumber(args[2]), args[3], args[4]
end

function request()
  number = number + 1
  local key = string.format('%011d', number)
  if operation == 'submit' then
    return wrk.format('POST', prefix, {['content-type'] = 'application/json'}, '{"pass_key":"' .. key .. '"}')
  end
  return wrk.format('GET', prefix .. key, {['x-api-key'] = api_key})
end
