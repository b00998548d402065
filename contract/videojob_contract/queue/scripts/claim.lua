#!lua flags=allow-oom
-- claim: give an idle worker the next attempt, or let it retire.
-- uses: common, wake, worker
--
-- Queues share by stride scheduling: the one that is least ahead of its share is next, and is then a stride further
-- ahead. What all of the waiting queues are ahead is taken off all, so an empty queue saves up nothing.
-- Replies {'claimed', uid, attempt, token, queue, claimed_at, assignment}, {'retired'} or {'empty'}.

local workers  = KEYS[1]   -- hash    worker -> its record
local seen     = KEYS[2]   -- zset    worker, by when it was last heard of
local entries  = KEYS[3]   -- hash    uid -> record
local payloads = KEYS[4]   -- hash    uid -> assignment
local leases   = KEYS[5]   -- zset    uid, by when its lease ends
local backlog  = KEYS[6]   -- zset    queue:place:uid, all at score 0
local weights  = KEYS[7]   -- hash    queue -> weight; 0 when closed, negative while held
local passes   = KEYS[8]   -- hash    queue -> how far it is ahead of its share
local wake     = KEYS[9]   -- list    tokens that idle workers wait for
local events   = KEYS[10]  -- stream  what the operator is told
local terms    = KEYS[11]  -- string  by which assignments are made now

local worker   = ARGV[1]
local job      = ARGV[2]
local token    = ARGV[3]
local lease_ms = tonumber(ARGV[4])

local STRIDE = 232792560  -- divisible by every weight up to 20, so that those share exactly
local MOST = 1e12  -- no queue is further ahead
local SWEPT = 500  -- what is no entry is taken out or passed over on the way, so many at a time

-- Returns what a hash holds, less what is no such number; a negative weight is none either, so queues that are held give
-- nothing out.
local function pairs_of(hash)
  local flat, map = redis.call('HGETALL', hash), {}
  for i = 1, #flat, 2 do
    local number = tonumber(flat[i + 1])
    map[flat[i]] = number and number >= 0 and number <= MOST and number or nil
  end
  return map
end

-- Returns the first of a queue: its member, uid and record. What a newer version wrote is passed over, and what was
-- enqueued by other terms than now: it is enqueued again in a moment.
local function head_of(queue, now_valid)
  local from, to = '[' .. queue .. ':', '(' .. queue .. ';'
  for _ = 1, SWEPT do
    local member = redis.call('ZRANGE', backlog, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
    if not member then
      return nil
    end
    local uid = string.match(member, '^[^:]*:[^:]*:(.+)$')
    local record, why = parse(uid and redis.call('HGET', entries, uid), ENTRY)
    local is_entry = record and record.member == member
    local is_valid = not now_valid or now_valid == '' or record and record.terms == now_valid
    if is_entry and is_valid and redis.call('HEXISTS', payloads, uid) == 1 then
      return {member = member, uid = uid, record = record}
    elseif why == NEWER or is_entry and not is_valid then
      from = '(' .. member
    else  -- in a Redis that evicts keys, one may have lost its record, or its payload: it is no one's, or enqueued again
      redis.call('ZREM', backlog, member)
      if is_entry then
        redis.call('HDEL', entries, uid)
      end
    end
  end
end

local function next_entry()
  local weight_of, pass_of = pairs_of(weights), pairs_of(passes)
  local now_valid = redis.call('GET', terms)
  local best, best_queue
  for queue, weight in pairs(weight_of) do
    local head = head_of(queue, now_valid)
    if head then
      local rank = {pass_of[queue] or 0, -weight, queue}
      if not best or rank[1] < best.rank[1]
        or (rank[1] == best.rank[1] and (rank[2] < best.rank[2] or (rank[2] == best.rank[2] and rank[3] < best.rank[3])))
      then
        best, best_queue = {rank = rank, head = head}, queue
      end
    end
  end
  if not best then
    return nil
  end
  for queue in pairs(weight_of) do
    local ahead = math.max(0, (pass_of[queue] or 0) - best.rank[1])
    if queue == best_queue then
      ahead = ahead + math.floor(STRIDE / math.max(1, weight_of[queue]))
    end
    redis.call('HSET', passes, queue, ahead)
  end
  return best.head
end

local now = now_ms()
local me = register(workers, seen, events, worker, job, now)

if me.state == 'retiring' then
  me.state = 'retired'
  save(workers, worker, me)
  emit(events, 'retired', 'worker', worker, 'job', job)
end
if me.state == 'retired' then
  balance(wake, backlog)  -- it may have taken a token that another worker waits for
  return {'retired'}
end

if me.uid then
  local held = load(entries, me.uid)
  if held and held.state == 'claimed' and held.worker == worker then
    local payload = redis.call('HGET', payloads, me.uid)
    return {'claimed', me.uid, held.attempt, held.token, held.queue, held.claimed_at, payload}
  end
  me = {state = 'idle', job = job, since = now}
  save(workers, worker, me)
end

local next = next_entry()
if not next then
  return {'empty'}
end
local uid, record = next.uid, next.record
redis.call('ZREM', backlog, next.member)
record.state, record.member = 'claimed', nil
record.token, record.worker, record.job, record.claimed_at = token, worker, job, now
save(entries, uid, record)
redis.call('ZADD', leases, now + lease_ms, uid)
occupy(workers, seen, worker, job, uid, now)
emit(events, 'claimed', 'uid', uid, 'attempt', record.attempt, 'worker', worker, 'job', job)
balance(wake, backlog)
return {'claimed', uid, record.attempt, token, record.queue, now, redis.call('HGET', payloads, uid)}
