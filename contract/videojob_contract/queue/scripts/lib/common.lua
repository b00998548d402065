-- common: the clock, records and events, as every script has them.
--
-- A record is JSON: {v, state, attempt, queue, terms, member, queued_at, claimed_at, token, worker, job, stage,
-- cancelling, user, project, rank, cost, since, lane}. Its cost is predicted, in milliseconds.
-- Its state is queued, claimed or finished; or it is a tombstone: cancelled, forgotten, or released (which refuses
-- its attempt and older ones only). A worker's record is {v, state, job, since, uid}, with the state idle, busy, retiring
-- or retired. Times are milliseconds of Redis' own clock.
--
-- Workers write here too, and are not trusted to write records: what is none is as if it were not there, and is written
-- over. `v` is the version, and the first had none. A record of a newer one is left as it is: a script that needs it
-- ends with the error NEWER.

local EVENTS_KEPT = 10000  -- the oldest are dropped while nobody reads; the slow resync finds what they told
local VERSION = 1
local NEWER = 'is of a newer version'
local LONGEST_RECORD = 2048  -- in bytes, as the next
local LONGEST_WORD = 262144  -- of a worker: its progress, or its result

local NAME, LABEL, LATEST_MS = '^[%w.-]+$', '^[%w._@-]*$', 1e14
-- What records have: texts by pattern and greatest length, whole numbers by the greatest.
local FIELDS = {
  state = {'^%l+$', 16}, queue = {NAME, 63}, terms = {NAME, 64}, member = {'^[^:]+:[^:]+:.', 512}, token = {NAME, 64},
  worker = {NAME, 253}, job = {NAME, 63}, stage = {'^%a+$', 32}, uid = {'.', 256}, cancelling = {},
  user = {LABEL, 63}, project = {LABEL, 63}, lane = {'^[^:]+:[^:]*:%d+:%d+:[^:]+:.', 512},
  rank = 200, cost = 1e10, since = LATEST_MS,
  attempt = 1000, queued_at = LATEST_MS, claimed_at = LATEST_MS, since = LATEST_MS,
}
-- What they must have, by state.
local HELD = {'attempt', 'queue', 'token', 'worker', 'job', 'claimed_at'}
local ENTRY = {
  queued = {'attempt', 'queue', 'member'}, claimed = HELD, finished = HELD,
  cancelled = {'attempt'}, forgotten = {'attempt'}, released = {'attempt'},
}
local WORKER = {idle = {'job', 'since'}, busy = {'job', 'since', 'uid'}, retiring = {'job', 'since'}, retired = {'job', 'since'}}

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function fits(value, bounds)
  if type(bounds) == 'number' then
    return type(value) == 'number' and value >= 0 and value <= bounds and value % 1 == 0
  elseif not bounds[1] then
    return type(value) == 'boolean'
  end
  return type(value) == 'string' and #value <= bounds[2] and string.find(value, bounds[1]) ~= nil
end

-- Returns a record of what was read, with nothing else in it, or nil and why there is none.
local function as_record(said, needed)
  local record = {}
  for name, bounds in pairs(FIELDS) do
    if said[name] ~= nil and not fits(said[name], bounds) then
      return nil, 'has no such ' .. name
    end
    record[name] = said[name]
  end
  for _, name in ipairs(needed[record.state] or {'known state'}) do
    if record[name] == nil then
      return nil, 'has no ' .. name
    end
  end
  return record
end

-- Returns the record that a text is, or nil and why it is none.
local function parse(raw, needed)
  local well, said = pcall(cjson.decode, raw and #raw <= LONGEST_RECORD and raw or '')
  if not well or type(said) ~= 'table' then
    return nil, 'is no record'
  elseif type(said.v) == 'number' and said.v > VERSION then
    return nil, NEWER
  end
  return as_record(said, needed)
end

local function load_as(needed, hash, field)
  local record, why = parse(redis.call('HGET', hash, field), needed)
  if why == NEWER then
    error({err = 'NEWER the record ' .. NEWER})
  end
  return record
end

local function load(hash, field)
  return load_as(ENTRY, hash, field)
end

local function load_worker(hash, field)
  return load_as(WORKER, hash, field)
end

local function save(hash, field, record)
  local _, why = as_record(record, WORKER[record.state] and WORKER or ENTRY)
  if why then
    error({err = 'ERR what was to be a record ' .. why})
  end
  record.v = VERSION
  redis.call('HSET', hash, field, cjson.encode(record))
end

-- Returns a word of a worker, or nothing of one that is too long.
local function bounded(word)
  return #word <= LONGEST_WORD and word or ''
end

local function emit(events, type, ...)
  redis.call('XADD', events, 'MAXLEN', '~', EVENTS_KEPT, '*', 'type', type, ...)
end
