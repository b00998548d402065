-- fence: refuse an operator that another has followed.
--
-- Each tenure of a pool has a token, greater than all before it. It is the last of ARGV, and taken off; an operator that
-- has none may do everything. What is no token is as if it were not there.

local GREATEST_TOKEN = 2147483647

local function pass(fence)
  local token = tonumber(table.remove(ARGV))
  local highest = tonumber(redis.call('GET', fence)) or 0
  if highest > GREATEST_TOKEN then
    highest = 0
  end
  if token and token < highest then
    error({err = string.format('SUPERSEDED %d', highest)})
  elseif token and token > highest then
    redis.call('SET', fence, token)
  end
end
