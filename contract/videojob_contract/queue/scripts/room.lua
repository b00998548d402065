#!lua
-- room: tell whether Redis takes new entries. It changes nothing, but is refused as `enqueue` is when memory is out.
--
-- Replies how many entries wait.

local backlog = KEYS[1]  -- zset  queue:place:uid, all at score 0

return redis.call('ZCARD', backlog)
