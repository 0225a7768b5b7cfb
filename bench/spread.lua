-- wrk: fetches that walk through a range of numbers, spread over many tenants.
-- Arguments: a file of lines "tenant_id api_key", first number.
local tenants, number = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local tenant_id, api_key = line:match('(%S+) (%S+)')
    tenants[#tenants + 1] = {'/api/v2/' .. tenant_id .. '/identity/passcode/', {['x-api-key'] = api_key}}
  end
  number = tonumber(args[2])
end

function request()
  number = number + 1
  local tenant = tenants[number % #tenants + 1]
  return wrk.format('GET', tenant[1] .. string.format('%011d', number), tenant[2])
end
