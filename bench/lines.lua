-- wrk: requests from a file, a line each: path and body. At its end the load ends, or begins anew. Every answer is
-- held against what is meant.
-- Arguments: file, "once" or "again", method, access token, status, a text that the body has.
local lines, number, is_once, method, headers = {}, 0, nil, nil, nil
local status_meant, text_meant
local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  for line in io.lines(args[1]) do
    local path, body = line:match('(%S+) ?(.*)')
    lines[#lines + 1] = {path, body ~= '' and body or nil}
  end
  is_once, method, status_meant, text_meant = args[2] == 'once', args[3], tonumber(args[5]), args[6]
  headers = {['authorization'] = 'Bearer ' .. args[4]}
  if method ~= 'GET' then
    headers['content-type'] = 'application/json-patch+json'
  end
  unlike = 0  -- global: `done` runs apart, and reads it from here
end

function request()
  if is_once and number >= #lines then
    wrk.thread:stop()  -- the answer to what is sent now is not read any more
  end
  number = number % #lines + 1
  return wrk.format(method, lines[number][1], headers, lines[number][2])
end

function response(status, _, body)
  if status ~= status_meant or not body:find(text_meant, 1, true) then
    unlike = unlike + 1
  end
end

function done()
  local sum = 0
  for _, thread in ipairs(threads) do
    sum = sum + thread:get('unlike')
  end
  io.write('Answers of another kind: ' .. sum .. '\n')
end
