#!lua
-- enqueue: let an attempt wait in a queue.
-- uses: common, wake, worker, accounts, turns, limits, detach, read, fence
--
-- Its place is when it came to wait, and then the order in which it was enqueued. An attempt that waits there already
-- keeps its place, and in another queue, for another user or at another cost what it lacks of its tag. An attempt that
-- waits since the same time as the one before it follows an interruption. Replies {state, position}: queued, claimed, finished, stale, cancelled or
-- unknown_queue; position is -1 unless queued.

local entries    = KEYS[1]   -- hash    uid -> record
local payloads   = KEYS[2]   -- hash    uid -> assignment
local progress   = KEYS[3]   -- hash    uid -> the worker's latest word
local results    = KEYS[4]   -- hash    uid -> how the attempt ended
local leases     = KEYS[5]   -- zset    uid, by when its lease ends
local tombstones = KEYS[6]   -- zset    uid, by when its tombstone may go
local backlog    = KEYS[7]   -- zset    queue:place:uid, all at score 0
local weights    = KEYS[8]   -- hash    queue -> weight; 0 when closed, negative while stopped or held
local sequence   = KEYS[9]   -- string  counts what was ever enqueued
local wake       = KEYS[10]  -- list    tokens that idle workers wait for
local workers    = KEYS[11]  -- hash    worker -> its record
local seen       = KEYS[12]  -- zset    worker, by when it was last heard of
local signal     = KEYS[13]  -- list    attempts of this uid that should stop
local lanes      = KEYS[14]  -- zset    queue:user:rank:tag:place:uid, all at score 0
local turns      = KEYS[15]  -- zset    queue:pass:user, all at score 0
local shared     = KEYS[16]  -- zset    queue:user:tag:uid, all at score 0
local accounts   = KEYS[17]  -- hash    queue:user -> what the user had; queue -> virtual time
local rules      = KEYS[18]  -- hash    order, weights of users, limits
local running    = KEYS[19]  -- zset    user:USER:uid and project:PROJECT:uid of what runs, all at score 0
local resting    = KEYS[20]  -- zset    what waits for room, all at score 0
local fence      = KEYS[21]  -- string  token of the operator that serves the pool

pass(fence)

local uid     = ARGV[1]
local attempt = tonumber(ARGV[2])
local queue   = ARGV[3]
local payload = ARGV[4]
local since   = tonumber(ARGV[5])  -- milliseconds; none for now
local terms   = ARGV[6]
local asked   = {user = ARGV[7], project = ARGV[8], rank = tonumber(ARGV[9]), cost = tonumber(ARGV[10])}
local is_fifo = ARGV[11] == '1'
local again   = ARGV[12] == '1'  -- whether a newer attempt may run after it was cancelled or forgotten

local record = load(entries, uid)
if record then
  local is_gone = record.state == 'cancelled' or record.state == 'forgotten'
  if is_gone and not again then
    return {'cancelled', -1}
  end
  local is_over = is_gone or record.state == 'released'
  if record.attempt > attempt or (record.attempt == attempt and is_over) then
    return {'stale', -1}
  end
  if record.attempt == attempt and record.state ~= 'queued' then
    return {record.state, -1}
  end
end
if (tonumber(redis.call('HGET', weights, queue)) or 0) == 0 then
  return {'unknown_queue', -1}
end
local k = {
  payloads = payloads, progress = progress, results = results, leases = leases, backlog = backlog, wake = wake,
  workers = workers, seen = seen, signal = signal,
  lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules,
  running = running, resting = resting,
}
local now = now_ms()
local waits = record ~= nil and record.attempt == attempt
local stays = waits and record.queue == queue
local is_same = stays and is_in_lane(k, record, is_fifo)
for name, value in pairs(asked) do
  is_same = is_same and record[name] == value
end
if not is_same then
  local came = stays and record.since or since or now
  local lacks = asked.cost
  if record then
    local known = lacks_of(k, record)
    if known then
      lacks = math.max(0, math.min(asked.cost, known + asked.cost - record.cost))
    elseif record.state ~= 'queued' and record.since == came then
      lacks = 0  -- it was interrupted, and is the first of its user's again
    end
    detach(k, uid, record)
    redis.call('ZREM', tombstones, uid)
  end
  local place = stays and string.match(record.member, '^[^:]*:(%d+%.%d+):')
    or string.format('%013.0f.%016d', came, redis.call('INCR', sequence))
  record = {
    state = 'queued', attempt = attempt, queue = queue, member = string.format('%s:%s:%s', queue, place, uid),
    queued_at = stays and record.queued_at or now, since = came,
    user = asked.user, project = asked.project, rank = asked.rank, cost = asked.cost,
  }
  redis.call('ZADD', backlog, 0, record.member)
  enter(k, uid, record, place, lacks, is_fifo)
end
local now_by = terms ~= '' and terms or nil
if not is_same or record.terms ~= now_by then
  record.terms = now_by
  save(entries, uid, record)
end
balance(wake, backlog)
redis.call('HSET', payloads, uid, payload)
return {'queued', position(k, record)}
