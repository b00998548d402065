#!lua flags=allow-oom
-- cancel: keep a VideoJob from running, or tell its worker to stop.
-- uses: common, wake, worker, accounts, turns, limits, detach, fence
--
-- Replies cancelled, signalled or finished.

local entries    = KEYS[1]   -- hash  uid -> record
local payloads   = KEYS[2]   -- hash  uid -> assignment
local progress   = KEYS[3]   -- hash  uid -> the worker's latest word
local results    = KEYS[4]   -- hash  uid -> how the attempt ended
local leases     = KEYS[5]   -- zset  uid, by when its lease ends
local tombstones = KEYS[6]   -- zset  uid, by when its tombstone may go
local backlog    = KEYS[7]   -- zset  queue:place:uid, all at score 0
local wake       = KEYS[8]   -- list  tokens that idle workers wait for
local workers    = KEYS[9]   -- hash  worker -> its record
local seen       = KEYS[10]  -- zset  worker, by when it was last heard of
local signal     = KEYS[11]  -- list  attempts of this uid that should stop
local lanes      = KEYS[12]  -- zset  queue:user:rank:tag:place:uid, all at score 0
local turns      = KEYS[13]  -- zset  queue:pass:user, all at score 0
local shared     = KEYS[14]  -- zset  queue:user:tag:uid, all at score 0
local accounts   = KEYS[15]  -- hash  queue:user -> what the user had; queue -> virtual time
local rules      = KEYS[16]  -- hash  order, weights of users, limits
local running    = KEYS[17]  -- zset  user:USER:uid and project:PROJECT:uid of what runs, all at score 0
local resting    = KEYS[18]  -- zset  what waits for room, all at score 0
local fence      = KEYS[19]  -- string  token of the operator that serves the pool

pass(fence)

local uid          = ARGV[1]
local tombstone_ms = tonumber(ARGV[2])

local record = load(entries, uid)
if record and record.state == 'finished' then
  return 'finished'
end
if record and record.state == 'claimed' then
  if not record.cancelling then
    record.cancelling = true
    save(entries, uid, record)
    tell(signal, record.attempt)
  end
  return 'signalled'
end
if not record or record.state == 'queued' or record.state == 'released' then
  local k = {
    entries = entries, payloads = payloads, progress = progress, results = results, leases = leases,
    tombstones = tombstones, backlog = backlog, wake = wake, workers = workers, seen = seen, signal = signal,
    lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules,
    running = running, resting = resting,
  }
  bury(k, uid, record, 'cancelled', record and record.attempt or 0, tombstone_ms)
end
return 'cancelled'
