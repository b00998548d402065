-- unretire: take a retirement back, if the worker has not taken it yet.
-- uses: common
--
-- Replies 1, or 0 when it is too late, or the worker is not known.

local workers = KEYS[1]  -- hash  worker -> its record

local worker = ARGV[1]

local me = load(workers, worker)
if not me or me.state == 'retired' then
  return 0
end
if me.state == 'retiring' then
  me.state, me.since = 'idle', now_ms()
  save(workers, worker, me)
end
return 1
