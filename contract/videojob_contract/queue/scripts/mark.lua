#!lua flags=allow-oom
-- mark: mark Redis as known.
-- uses: fence
--
-- Replies 1, or 0 when it was marked before.

local epoch = KEYS[1]  -- string  set once; gone means that Redis was emptied
local fence = KEYS[2]  -- string  token of the operator that serves the pool

pass(fence)

return redis.call('SETNX', epoch, ARGV[1])
