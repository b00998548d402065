#!lua
-- enqueue: let an attempt wait in a queue.
-- uses: common, wake, worker, detach, read
--
-- Its place is when it came to wait, and then the order in which it was enqueued. An attempt that waits there already
-- keeps its place. Replies {state, position}: queued, claimed, finished, stale, cancelled or unknown_queue; position is -1 unless queued.

local entries    = KEYS[1]   -- hash    uid -> record
local payloads   = KEYS[2]   -- hash    uid -> assignment
local progress   = KEYS[3]   -- hash    uid -> the worker's latest word
local results    = KEYS[4]   -- hash    uid -> how the attempt ended
local leases     = KEYS[5]   -- zset    uid, by when its lease ends
local tombstones = KEYS[6]   -- zset    uid, by when its tombstone may go
local backlog    = KEYS[7]   -- zset    queue:place:uid, all at score 0
local weights    = KEYS[8]   -- hash    queue -> weight; 0 when closed, negative while held
local sequence   = KEYS[9]   -- string  counts what was ever enqueued
local wake       = KEYS[10]  -- list    tokens that idle workers wait for
local workers    = KEYS[11]  -- hash    worker -> its record
local seen       = KEYS[12]  -- zset    worker, by when it was last heard of
local signal     = KEYS[13]  -- list    attempts of this uid that should stop

local uid     = ARGV[1]
local attempt = tonumber(ARGV[2])
local queue   = ARGV[3]
local payload = ARGV[4]
local since   = tonumber(ARGV[5])  -- milliseconds; none for now
local terms   = ARGV[6]

local record = load(entries, uid)
if record then
  if record.state == 'cancelled' or record.state == 'forgotten' then
    return {'cancelled', -1}
  end
  if record.attempt > attempt or (record.attempt == attempt and record.state == 'released') then
    return {'stale', -1}
  end
  if record.attempt == attempt and record.state ~= 'queued' then
    return {record.state, -1}
  end
end
if (tonumber(redis.call('HGET', weights, queue)) or 0) == 0 then
  return {'unknown_queue', -1}
end
if not (record and record.attempt == attempt and record.queue == queue) then
  if record then
    detach({
      payloads = payloads, progress = progress, results = results, leases = leases, backlog = backlog, wake = wake,
      workers = workers, seen = seen, signal = signal,
    }, uid, record)
    redis.call('ZREM', tombstones, uid)
  end
  local now = now_ms()
  local member = string.format('%s:%013.0f.%016d:%s', queue, since or now, redis.call('INCR', sequence), uid)
  record = {state = 'queued', attempt = attempt, queue = queue, member = member, queued_at = now}
  redis.call('ZADD', backlog, 0, member)
end
record.terms = terms ~= '' and terms or nil
save(entries, uid, record)
balance(wake, backlog)
redis.call('HSET', payloads, uid, payload)
return {'queued', position(backlog, record)}
