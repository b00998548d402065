-- common: the clock, records and events, as every script has them.
--
-- A record is JSON: {state, attempt, queue, member, queued_at, claimed_at, token, worker, job, stage, cancelling}.
-- Its state is queued, claimed or finished; or it is a tombstone: cancelled, forgotten, or released (which refuses
-- its attempt and older ones only). A worker's record is {state, job, since, uid}, with the state idle, busy, retiring
-- or retired. Times are milliseconds of Redis' own clock.

local EVENTS_KEPT = 10000  -- the oldest are dropped while nobody reads; the slow resync finds what they told

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function load(hash, field)
  local raw = redis.call('HGET', hash, field)
  return raw and cjson.decode(raw) or nil
end

local function save(hash, field, record)
  redis.call('HSET', hash, field, cjson.encode(record))
end

local function emit(events, type, ...)
  redis.call('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'type', type, ...)
end
