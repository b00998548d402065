#!lua flags=allow-oom
-- finish: hand in how an attempt ended.
-- uses: common, worker, standing, accounts, turns
--
-- Replies accepted, lost or unknown.

local entries  = KEYS[1]   -- hash    uid -> record
local payloads = KEYS[2]   -- hash    uid -> assignment
local results  = KEYS[3]   -- hash    uid -> how the attempt ended
local leases   = KEYS[4]   -- zset    uid, by when its lease ends
local workers  = KEYS[5]   -- hash    worker -> its record
local seen     = KEYS[6]   -- zset    worker, by when it was last heard of
local events   = KEYS[7]   -- stream  what the operator is told
local lanes    = KEYS[8]   -- zset    queue:user:rank:tag:place:uid, all at score 0
local turns    = KEYS[9]   -- zset    queue:pass:user, all at score 0
local shared   = KEYS[10]  -- zset    queue:user:tag:uid, all at score 0
local accounts = KEYS[11]  -- hash    queue:user -> what the user had; queue -> virtual time
local rules    = KEYS[12]  -- hash    order, and weights of users

local uid     = ARGV[1]
local attempt = tonumber(ARGV[2])
local token   = ARGV[3]
local result  = ARGV[4]

local record = load(entries, uid)
local outcome = standing(record, attempt, token)
if outcome == 'held' or outcome == 'cancelled' then
  settle({
    lanes = lanes, turns = turns, shared = shared, accounts = accounts, rules = rules,
  }, record, now_ms())
  record.state = 'finished'
  save(entries, uid, record)
  redis.call('HSET', results, uid, bounded(result))
  redis.call('HDEL', payloads, uid)
  redis.call('ZREM', leases, uid)
  dismiss(workers, seen, record.worker, uid)
  emit(events, 'finished', 'uid', uid, 'attempt', attempt)
  return 'accepted'
end
if record and record.state == 'finished' and record.attempt == attempt and record.token == token then
  return 'accepted'
end
return outcome
