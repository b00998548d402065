#!lua flags=allow-oom
-- acknowledge: have events that are dealt with leave the stream.
-- uses: fence
--
-- A script, because a Redis that is out of memory takes no transaction at all. Replies nothing.

local events = KEYS[1]  -- stream  what the operator is told
local fence  = KEYS[2]  -- string  token of the operator that serves the pool

pass(fence)

local group = ARGV[1]

-- ARGV: group, id, id, ...

for i = 2, #ARGV do
  redis.call('XACK', events, group, ARGV[i])
  redis.call('XDEL', events, ARGV[i])
end
