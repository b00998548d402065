-- detach: take an entry's attempt out of everything but its record, and tell its worker to stop.

local SIGNAL_MS = 60000  -- a worker hears from renew what it did not hear here

local function tell(signal, attempt)
  redis.call('RPUSH', signal, attempt)
  redis.call('PEXPIRE', signal, SIGNAL_MS)
end

local function detach(k, uid, record)
  if record.member then
    redis.call('ZREM', k.backlog, record.member)
    leave(k, uid, record)
    balance(k.wake, k.backlog)
  end
  redis.call('ZREM', k.leases, uid)
  redis.call('HDEL', k.payloads, uid)
  redis.call('HDEL', k.progress, uid)
  redis.call('HDEL', k.results, uid)
  if record.state == 'claimed' then
    settle(k, record, now_ms())
    dismiss(k.workers, k.seen, record.worker, uid)
    tell(k.signal, record.attempt)
  end
end

-- Leaves a tombstone: a record that refuses, until the sweep after its time removes it.
local function bury(k, uid, record, state, attempt, tombstone_ms)
  if record then
    detach(k, uid, record)
  end
  local left = {state = state, attempt = attempt}
  if record then
    left.queue, left.since = record.queue, record.since
  end
  save(k.entries, uid, left)
  redis.call('ZADD', k.tombstones, now_ms() + tombstone_ms, uid)
end
