#!lua flags=allow-oom
-- withdraw: take an attempt out of its queue, as if it had never been enqueued.
-- uses: common, wake, worker, accounts, turns, limits, detach, fence
--
-- Replies 1, or 0 when that attempt does not wait.

local entries  = KEYS[1]   -- hash  uid -> record
local payloads = KEYS[2]   -- hash  uid -> assignment
local progress = KEYS[3]   -- hash  uid -> the worker's latest word
local results  = KEYS[4]   -- hash  uid -> how the attempt ended
local leases   = KEYS[5]   -- zset  uid, by when its lease ends
local backlog  = KEYS[6]   -- zset  queue:place:uid, all at score 0
local wake     = KEYS[7]   -- list  tokens that idle workers wait for
local lanes    = KEYS[8]   -- zset  queue:user:rank:tag:place:uid, all at score 0
local turns    = KEYS[9]   -- zset  queue:pass:user, all at score 0
local shared   = KEYS[10]  -- zset  queue:user:tag:uid, all at score 0
local accounts = KEYS[11]  -- hash  queue:user -> what the user had; queue -> virtual time
local rules    = KEYS[12]  -- hash  order, weights of users, limits
local running  = KEYS[13]  -- zset  user:USER:uid and project:PROJECT:uid of what runs, all at score 0
local resting  = KEYS[14]  -- zset  what waits for room, all at score 0
local fence    = KEYS[15]  -- string  token of the operator that serves the pool

pass(fence)

local uid     = ARGV[1]
local attempt = tonumber(ARGV[2])

local record = load(entries, uid)
if not record or record.state ~= 'queued' or record.attempt ~= attempt then
  return 0
end
detach({
  payloads = payloads, progress = progress, results = results, leases = leases, backlog = backlog, wake = wake,
  lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules,
  running = running, resting = resting,
}, uid, record)
redis.call('HDEL', entries, uid)
return 1
