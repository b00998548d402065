-- worker: the register of workers.

local function register(workers, seen, events, worker, job, now)
  local record = load_worker(workers, worker)
  if not record then
    record = {state = 'idle', job = job, since = now}
    save(workers, worker, record)
    emit(events, 'registered', 'worker', worker, 'job', job)
  end
  redis.call('ZADD', seen, now, worker)
  return record
end

local function occupy(workers, seen, worker, job, uid, now)
  save(workers, worker, {state = 'busy', job = job, since = now, uid = uid})
  redis.call('ZADD', seen, now, worker)
end

-- Drops a worker that was busy with this entry: it exits, or is dead.
local function dismiss(workers, seen, worker, uid)
  local record = parse(redis.call('HGET', workers, worker), WORKER)
  if record and record.uid == uid then
    redis.call('HDEL', workers, worker)
    redis.call('ZREM', seen, worker)
  end
end
