#!lua flags=allow-oom
-- register: make a worker known as idle, or say that it still lives.
-- uses: common, worker
--
-- Replies nothing.

local workers = KEYS[1]  -- hash    worker -> its record
local seen    = KEYS[2]  -- zset    worker, by when it was last heard of
local events  = KEYS[3]  -- stream  what the operator is told

local worker = ARGV[1]
local job    = ARGV[2]

register(workers, seen, events, worker, job, now_ms())
