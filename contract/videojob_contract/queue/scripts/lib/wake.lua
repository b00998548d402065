-- wake: tokens that idle workers block on. They are hints: at most one for each entry that waits, so that the list
-- cannot outgrow the backlog, and one is added whenever a script leaves more entries than tokens.

local function balance(wake, backlog)
  local waiting = redis.call('ZCARD', backlog)
  local tokens = redis.call('LLEN', wake)
  if tokens < waiting then
    redis.call('RPUSH', wake, '1')
  elseif waiting == 0 then
    redis.call('LTRIM', wake, 1, 0)
  elseif tokens > waiting then
    redis.call('LTRIM', wake, 0, waiting - 1)
  end
end
