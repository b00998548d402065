#!lua flags=allow-oom
-- configure: set the queues and their weights, the rules, and the terms by which attempts are claimed.
-- uses: common, accounts, turns, limits, fence
--
-- The weight of a queue that is stopped is negative, and while all are held that of each: entries are taken in, and none
-- is claimed. Once they are not held, every worker that waits is woken.
-- A queue that is left out is closed: its weight is 0 until it is empty, which claims count as 1.
-- Replies nothing.

local weights  = KEYS[1]   -- hash    queue -> weight; 0 when closed, negative while stopped or held
local passes   = KEYS[2]   -- hash    queue -> how far it is ahead of its share
local backlog  = KEYS[3]   -- zset    queue:place:uid, all at score 0
local wake     = KEYS[4]   -- list    tokens that idle workers wait for
local terms    = KEYS[5]   -- string  by which assignments are made now
local rules    = KEYS[6]   -- hash    order, weights of users, limits
local lanes    = KEYS[7]   -- zset    queue:user:rank:tag:place:uid, all at score 0
local turns    = KEYS[8]   -- zset    queue:pass:user, all at score 0
local accounts = KEYS[9]   -- hash    queue:user -> what the user had; queue -> virtual time
local running  = KEYS[10]  -- zset    user:USER:uid and project:PROJECT:uid of what runs, all at score 0
local resting  = KEYS[11]  -- zset    what waits for room, all at score 0
local workers  = KEYS[12]  -- hash    worker -> its record
local fence    = KEYS[13]  -- string  token of the operator that serves the pool

pass(fence)

local held   = ARGV[1] == 'held'
local queues = tonumber(ARGV[3])

-- ARGV: held or open, terms, how many queues, queue, weight, queue, weight, ..., rule, value, rule, value, ...

local kept = {}
redis.call('SET', terms, ARGV[2])
redis.call('UNLINK', rules)
for i = 4, #ARGV, 2 do
  if i < 4 + 2 * queues then
    kept[ARGV[i]] = true
    redis.call('HSET', weights, ARGV[i], held and -math.abs(ARGV[i + 1]) or ARGV[i + 1])
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
if not held then
  rouse_all({lanes = lanes, turns = turns, accounts = accounts, rules = rules, running = running, resting = resting})
  for _ = redis.call('LLEN', wake) + 1, math.min(redis.call('ZCARD', backlog), redis.call('HLEN', workers)) do
    redis.call('RPUSH', wake, '1')
  end
end
