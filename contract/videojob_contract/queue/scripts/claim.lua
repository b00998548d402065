#!lua flags=allow-oom
-- claim: give an idle worker the next attempt, or let it retire.
-- uses: common, wake, worker, accounts, turns, limits, heads
--
-- Queues share by stride scheduling: the one that is least ahead of its share is next, and is then a stride further
-- ahead. What all of the waiting queues are ahead is taken off all, so an empty queue saves up nothing. Within a queue,
-- the user who had least of it is next, by predicted milliseconds over the user's weight, and of that user's own what
-- would be done first if all were served at a time.
-- Replies {'claimed', uid, attempt, token, queue, claimed_at, assignment}, {'retired'} or {'empty'}.

local workers  = KEYS[1]   -- hash    worker -> its record
local seen     = KEYS[2]   -- zset    worker, by when it was last heard of
local entries  = KEYS[3]   -- hash    uid -> record
local payloads = KEYS[4]   -- hash    uid -> assignment
local leases   = KEYS[5]   -- zset    uid, by when its lease ends
local backlog  = KEYS[6]   -- zset    queue:place:uid, all at score 0
local weights  = KEYS[7]   -- hash    queue -> weight; 0 when closed, negative while stopped or held
local passes   = KEYS[8]   -- hash    queue -> how far it is ahead of its share
local wake     = KEYS[9]   -- list    tokens that idle workers wait for
local events   = KEYS[10]  -- stream  what the operator is told
local terms    = KEYS[11]  -- string  by which assignments are made now
local lanes    = KEYS[12]  -- zset    queue:user:rank:tag:place:uid, all at score 0
local turns    = KEYS[13]  -- zset    queue:pass:user, all at score 0
local shared   = KEYS[14]  -- zset    queue:user:tag:uid, all at score 0
local accounts = KEYS[15]  -- hash    queue:user -> what the user had; queue -> virtual time
local rules    = KEYS[16]  -- hash    order, weights of users, limits
local running  = KEYS[17]  -- zset    user:USER:uid and project:PROJECT:uid of what runs, all at score 0
local resting  = KEYS[18]  -- zset    what waits for room, all at score 0

local worker   = ARGV[1]
local job      = ARGV[2]
local token    = ARGV[3]
local lease_ms = tonumber(ARGV[4])

local STRIDE = 232792560  -- divisible by every weight up to 20, so that those share exactly
local MOST = 1e12  -- no queue is further ahead

-- Returns what a hash holds, less what is no such number; a negative weight is none either, so queues that are stopped
-- or held give nothing out.
local function pairs_of(hash)
  local flat, map = redis.call('HGETALL', hash), {}
  for i = 1, #flat, 2 do
    local number = tonumber(flat[i + 1])
    map[flat[i]] = number and number >= 0 and number <= MOST and number or nil
  end
  return map
end

local k = {
  entries = entries, payloads = payloads, backlog = backlog,
  lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules,
  running = running, resting = resting,
}

-- Moves the queues' passes on, one of which gives out what is next.
local function charge(chosen, queues)
  for _, queue in ipairs(queues) do
    local ahead = math.max(0, queue.pass - chosen.pass)
    if queue == chosen then
      ahead = ahead + math.floor(STRIDE / math.max(1, queue.weight))
    end
    if ahead ~= queue.pass then
      redis.call('HSET', passes, queue.name, ahead)
    end
  end
end

local function next_entry()
  local most = limit_of(k, 'pool')
  if most and redis.call('ZCARD', leases) >= most then
    return nil
  end
  local pass_of, queues = pairs_of(passes), {}
  for name, weight in pairs(pairs_of(weights)) do
    queues[#queues + 1] = {name = name, weight = weight, pass = pass_of[name] or 0}
  end
  table.sort(queues, function(one, other)
    if one.pass ~= other.pass then
      return one.pass < other.pass
    elseif one.weight ~= other.weight then
      return one.weight > other.weight
    end
    return one.name < other.name
  end)
  local now_valid = redis.call('GET', terms)
  for _, queue in ipairs(queues) do
    local head = head_of(k, queue.name, now_valid)
    if head then
      charge(queue, queues)
      return head
    end
  end
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
  if not k.gave_up then
    redis.call('LTRIM', wake, 1, 0)  -- what waits, waits for something else than a worker
  end
  return {'empty'}
end
local uid, record = next.uid, next.record
redis.call('ZREM', backlog, record.member)
if record.lane then
  serve(k, record)
end
record.state, record.member, record.lane = 'claimed', nil, nil
record.token, record.worker, record.job, record.claimed_at = token, worker, job, now
save(entries, uid, record)
redis.call('ZADD', leases, now + lease_ms, uid)
begin_run(k, uid, record)
occupy(workers, seen, worker, job, uid, now)
emit(events, 'claimed', 'uid', uid, 'attempt', record.attempt, 'worker', worker, 'job', job)
balance(wake, backlog)
return {'claimed', uid, record.attempt, token, record.queue, now, next.payload}
