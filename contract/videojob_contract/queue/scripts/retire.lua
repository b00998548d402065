#!lua flags=allow-oom
-- retire: let an idle worker exit instead of claiming.
-- uses: common, fence
--
-- Replies 1, or 0 when it is busy or not known.

local workers = KEYS[1]  -- hash  worker -> its record
local mail    = KEYS[2]  -- list  wakes this worker alone
local fence   = KEYS[3]  -- string  token of the operator that serves the pool

pass(fence)

local worker = ARGV[1]

local MAIL_MS = 60000  -- an idle worker looks for itself more often than this

local me = load_worker(workers, worker)
if not me or me.state == 'busy' then
  return 0
end
if me.state == 'idle' then
  me.state, me.since = 'retiring', now_ms()
  save(workers, worker, me)
  redis.call('RPUSH', mail, 'retire')
  redis.call('PEXPIRE', mail, MAIL_MS)
end
return 1
