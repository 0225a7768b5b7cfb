-- The first `most` members of a sorted set and their scores in turns, separated by blanks. REV = from the highest.
local function top(key, order, most)
  if order == 'REV' then
    return table.concat(redis.call('ZRANGE', key, 0, most - 1, 'REV', 'WITHSCORES'), ' ')
  end
  return table.concat(redis.call('ZRANGE', key, 0, most - 1, 'WITHSCORES'), ' ')
end
