#!lua flags=allow-oom
-- mark: mark Redis as known.
--
-- Replies 1, or 0 when it was marked before.

local epoch = KEYS[1]  -- string  set once; gone means that Redis was emptied

return redis.call('SETNX', epoch, ARGV[1])
