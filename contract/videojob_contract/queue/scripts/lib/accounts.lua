-- accounts: what each user of a queue was given, and where in the queue an entry is.
--
-- All times are whole milliseconds: of rendering, predicted or real, and so of passes, tags and virtual times, which
-- are kept with sixteen digits, so that they are in order as texts. An account is `pass:virtual:unspent`: how much its user
-- had of the queue, the virtual time of the user's own jobs, and what was given and is not in that yet. The virtual
-- time of a queue stands under the queue's name.

local LATEST = 1e15  -- pass, tag or virtual time
local DEAREST = 1e10  -- attempt

local function range_of(prefix)
  return '[' .. prefix .. ':', '(' .. prefix .. ';'
end

local function count_of(members, prefix)
  return redis.call('ZLEXCOUNT', members, range_of(prefix))
end

local function first_of(members, prefix)
  local from, to = range_of(prefix)
  return redis.call('ZRANGE', members, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
end

local function moment(text)
  local number = tonumber(text)
  return number and number >= 0 and number <= LATEST and number % 1 == 0 and number or nil
end

local function virtual_time(accounts, queue)
  return moment(redis.call('HGET', accounts, queue)) or 0
end

-- Returns a user's account, or nil.
local function account_of(accounts, queue, user)
  local said = redis.call('HGET', accounts, queue .. ':' .. user) or ''
  local pass, virtual, unspent = string.match(said, '^(%d+):(%d+):(-?%d+)$')
  pass, virtual, unspent = moment(pass), moment(virtual), tonumber(unspent)
  if pass and virtual and math.abs(unspent) <= LATEST then
    return {pass = pass, virtual = virtual, unspent = unspent}
  end
end

local function turn_of(queue, user, account)
  return string.format('%s:%016.0f:%s', queue, account.pass, user)
end

-- Returns the user in whose lane a record waits, and its tag.
local function lane_of(record)
  local user, tag = string.match(record.lane, '^[^:]*:([^:]*):%d+:(%d+):')
  return user, moment(tag) or 0
end

-- Returns how many of its queue are before a record: exact for the first of a user, and what it comes to for others if all
-- of them take as long.
local function position(k, record)
  if not record.lane then
    return redis.call('ZLEXCOUNT', k.backlog, '[' .. record.queue .. ':', '(' .. record.member)
  end
  local user = lane_of(record)
  local lane = record.queue .. ':' .. user
  local own = redis.call('ZLEXCOUNT', k.lanes, '[' .. lane .. ':', '(' .. record.lane)
  local account = account_of(k.accounts, record.queue, user) or {pass = 0}
  local before = redis.call(
    'ZLEXCOUNT', k.turns, '[' .. record.queue .. ':', '(' .. turn_of(record.queue, user, account)
  )
  local others = count_of(k.backlog, record.queue) - count_of(k.lanes, lane)
  return own + math.max(0, math.min(others, own * (count_of(k.turns, record.queue) - 1) + before))
end
