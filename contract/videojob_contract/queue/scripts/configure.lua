#!lua flags=allow-oom
-- configure: set the queues and their weights, the rules, and the terms by which attempts are claimed.
--
-- While they are held, a weight is negative: entries are taken in, and none is claimed. Once they are not, every worker
-- that waits is woken.
-- A queue that is left out is closed: its weight is 0 until it is empty, which claims count as 1.
-- Replies nothing.

local weights = KEYS[1]  -- hash    queue -> weight; 0 when closed, negative while held
local passes  = KEYS[2]  -- hash    queue -> how far it is ahead of its share
local backlog = KEYS[3]  -- zset    queue:place:uid, all at score 0
local wake    = KEYS[4]  -- list    tokens that idle workers wait for
local terms   = KEYS[5]  -- string  by which assignments are made now
local rules   = KEYS[6]  -- hash    order, and weights of users

local sign   = ARGV[1] == 'held' and -1 or 1
local queues = tonumber(ARGV[3])

-- ARGV: held or open, terms, how many queues, queue, weight, queue, weight, ..., rule, value, rule, value, ...

local kept = {}
redis.call('SET', terms, ARGV[2])
redis.call('UNLINK', rules)
for i = 4, #ARGV, 2 do
  if i < 4 + 2 * queues then
    kept[ARGV[i]] = true
    redis.call('HSET', weights, ARGV[i], sign * ARGV[i + 1])
  else
    redis.call('HSET', rules, ARGV[i], ARGV[i + 1])
  end
end
for _, queue in ipairs(redis.call('HKEYS', weights)) do
  if not kept[queue] then
    if redis.call('ZLEXCOUNT', backlog, '[' .. queue .. ':', '(' .. queue .. ';') > 0 then
      redis.call('HSET', weights, queue, 0)
    else
      redis.call('HDEL', weights, queue)
      redis.call('HDEL', passes, queue)
    end
  end
end
if sign == 1 then
  for _ = redis.call('LLEN', wake) + 1, redis.call('ZCARD', backlog) do
    redis.call('RPUSH', wake, '1')
  end
end
