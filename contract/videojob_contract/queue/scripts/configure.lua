-- configure: set the queues and their weights, and the terms by which attempts are claimed.
--
-- A queue that is left out is closed: its weight is 0 until it is empty, which claims count as 1.
-- Replies nothing.

local weights = KEYS[1]  -- hash    queue -> weight; 0 when closed
local passes  = KEYS[2]  -- hash    queue -> how far it is ahead of its share
local backlog = KEYS[3]  -- zset    queue:sequence:uid, all at score 0
local terms   = KEYS[4]  -- string  by which assignments are made now

-- ARGV: terms, queue, weight, queue, weight, ...

local kept = {}
redis.call('SET', terms, ARGV[1])
for i = 2, #ARGV, 2 do
  kept[ARGV[i]] = true
  redis.call('HSET', weights, ARGV[i], ARGV[i + 1])
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
