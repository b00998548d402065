#!lua flags=allow-oom
-- restore: bring back a claim that Redis forgot; the worker still renders.
-- uses: common, wake, worker, standing, accounts, turns
--
-- Changes something only where renew answers unknown. Replies held, cancelled or lost.

local entries    = KEYS[1]   -- hash    uid -> record
local payloads   = KEYS[2]   -- hash    uid -> assignment
local progress   = KEYS[3]   -- hash    uid -> the worker's latest word
local results    = KEYS[4]   -- hash    uid -> how the attempt ended
local leases     = KEYS[5]   -- zset    uid, by when its lease ends
local tombstones = KEYS[6]   -- zset    uid, by when its tombstone may go
local backlog    = KEYS[7]   -- zset    queue:place:uid, all at score 0
local wake       = KEYS[8]   -- list    tokens that idle workers wait for
local workers    = KEYS[9]   -- hash    worker -> its record
local seen       = KEYS[10]  -- zset    worker, by when it was last heard of
local events     = KEYS[11]  -- stream  what the operator is told
local lanes      = KEYS[12]  -- zset    queue:user:rank:tag:place:uid, all at score 0
local turns      = KEYS[13]  -- zset    queue:pass:user, all at score 0
local shared     = KEYS[14]  -- zset    queue:user:tag:uid, all at score 0
local accounts   = KEYS[15]  -- hash    queue:user -> what the user had; queue -> virtual time
local rules      = KEYS[16]  -- hash    order, and weights of users

local uid        = ARGV[1]
local attempt    = tonumber(ARGV[2])
local token      = ARGV[3]
local lease_ms   = tonumber(ARGV[4])
local worker     = ARGV[5]
local job        = ARGV[6]
local queue      = ARGV[7]
local claimed_at = tonumber(ARGV[8])
local payload    = ARGV[9]

local old = load(entries, uid)
local outcome = standing(old, attempt, token)
if outcome ~= 'unknown' then
  return outcome
end
local k = {lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules}
if old then
  if old.member then
    redis.call('ZREM', backlog, old.member)
    leave(k, uid, old)
    balance(wake, backlog)
  end
  if old.state == 'claimed' then
    settle(k, old, now_ms())
    dismiss(workers, seen, old.worker, uid)
  end
  redis.call('HDEL', progress, uid)
  redis.call('HDEL', results, uid)
  redis.call('ZREM', tombstones, uid)
end
local now = now_ms()
save(entries, uid, {
  state = 'claimed', attempt = attempt, queue = queue, token = token, worker = worker, job = job, claimed_at = claimed_at,
})
redis.call('HSET', payloads, uid, payload)
redis.call('ZADD', leases, now + lease_ms, uid)
occupy(workers, seen, worker, job, uid, now)
emit(events, 'claimed', 'uid', uid, 'attempt', attempt, 'worker', worker, 'job', job)
return 'held'
