#!lua flags=allow-oom
-- renew: extend a lease.
-- uses: common, worker, standing
--
-- Replies held, cancelled, lost or unknown.

local entries = KEYS[1]  -- hash  uid -> record
local leases  = KEYS[2]  -- zset  uid, by when its lease ends
local workers = KEYS[3]  -- hash  worker -> its record
local seen    = KEYS[4]  -- zset  worker, by when it was last heard of

local uid      = ARGV[1]
local attempt  = tonumber(ARGV[2])
local token    = ARGV[3]
local lease_ms = tonumber(ARGV[4])

local record = load(entries, uid)
local outcome = standing(record, attempt, token)
if outcome == 'held' or outcome == 'cancelled' then
  local now = now_ms()
  redis.call('ZADD', leases, now + lease_ms, uid)
  redis.call('ZADD', seen, now, record.worker)
  if redis.call('HEXISTS', workers, record.worker) == 0 then  -- it was swept while it was silent
    occupy(workers, seen, record.worker, record.job, uid, now)
  end
end
return outcome
