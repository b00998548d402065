#!lua flags=no-writes
-- entries: read what is known of some VideoJobs. Changes nothing.
-- uses: common, accounts, read
--
-- Replies for each uid what `read` returns, nil in place of false.

local entries  = KEYS[1]  -- hash  uid -> record
local progress = KEYS[2]  -- hash  uid -> the worker's latest word
local results  = KEYS[3]  -- hash  uid -> how the attempt ended
local leases   = KEYS[4]  -- zset  uid, by when its lease ends
local backlog  = KEYS[5]  -- zset  queue:place:uid, all at score 0
local lanes    = KEYS[6]  -- zset  queue:user:rank:tag:place:uid, all at score 0
local turns    = KEYS[7]  -- zset  queue:pass:user, all at score 0
local accounts = KEYS[8]  -- hash  queue:user -> what the user had; queue -> virtual time

-- ARGV: uid, uid, ...

local k = {
  entries = entries, progress = progress, results = results, leases = leases, backlog = backlog,
  lanes = lanes, turns = turns, accounts = accounts,
}
local now = now_ms()
local found = {}
for i, uid in ipairs(ARGV) do
  found[i] = read(k, uid, now)
end
return found
