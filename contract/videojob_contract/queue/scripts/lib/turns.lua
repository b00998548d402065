-- turns: who of a queue's users is next, and which of the user's own.
--
-- Between users: stride scheduling by predicted milliseconds, see claim. Within one: by virtual finish (PSBS, arXiv
-- 1506.09158), which is when an entry would be done if all of the user's were served at a time.

local AT_ONCE = 500  -- steps, so that no call takes long

local function text_of(account)
  return string.format('%.0f:%.0f:%.0f', account.pass, account.virtual, account.unspent)
end

local function save_account(k, queue, user, account)
  redis.call('HSET', k.accounts, queue .. ':' .. user, text_of(account))
end

local function close_account(k, queue, user, account)
  redis.call('ZREM', k.turns, turn_of(queue, user, account))
  redis.call('HDEL', k.accounts, queue .. ':' .. user)
end

local function weight_of(k, user)
  local weight = tonumber(redis.call('HGET', k.rules, 'weight:' .. user))
  return weight and weight >= 1 and weight <= 1000 and weight or 1
end

local function shared_of(queue, user, tag, uid)
  return string.format('%s:%s:%016.0f:%s', queue, user, tag, uid)
end

-- Lets even sharing go on by what a user was given; what was too much before is taken off.
local function advance(k, queue, user, account, given)
  local lane = queue .. ':' .. user
  local count = count_of(k.shared, lane)
  account.unspent = account.unspent + given
  for _ = 1, AT_ONCE do
    if count == 0 or account.unspent < count then
      break
    end
    local first = first_of(k.shared, lane)
    local tag = moment(string.match(first, '^[^:]*:[^:]*:(%d+):')) or 0
    local lacks = math.max(0, tag - account.virtual)
    if lacks * count > account.unspent then
      local each = math.floor(account.unspent / count)
      account.virtual = account.virtual + each
      account.unspent = account.unspent - each * count
      break
    end
    account.virtual = account.virtual + lacks
    account.unspent = account.unspent - lacks * count
    redis.call('ZREM', k.shared, first)
    count = count - 1
  end
  if count == 0 then
    account.unspent = 0
  end
end

-- Forgets of a user who has nothing waiting all but what it owes, and what anyone owes once nothing waits.
local function close_lane(k, queue, user)
  local lane = queue .. ':' .. user
  if count_of(k.lanes, lane) > 0 then
    return
  end
  redis.call('ZREMRANGEBYLEX', k.shared, range_of(lane))
  local account = account_of(k.accounts, queue, user)
  if account and account.pass <= virtual_time(k.accounts, queue) then
    close_account(k, queue, user, account)
  elseif account then
    account.virtual, account.unspent = 0, 0
    save_account(k, queue, user, account)
  end
  if count_of(k.lanes, queue) > 0 then
    return
  end
  local from, to = range_of(queue)
  local owed = redis.call('ZRANGE', k.turns, from, to, 'BYLEX', 'LIMIT', 0, AT_ONCE)
  for _, turn in ipairs(owed) do
    redis.call('ZREM', k.turns, turn)
    redis.call('HDEL', k.accounts, queue .. ':' .. string.match(turn, ':([^:]*)$'))
  end
  if #owed < AT_ONCE then
    redis.call('HDEL', k.accounts, queue)
  end
end

-- Begins again at 0 where a queue's virtual time is near its end.
local function begin_again(k, queue, now)
  local from, to = range_of(queue)
  for _, turn in ipairs(redis.call('ZRANGE', k.turns, from, to, 'BYLEX')) do
    local user = string.match(turn, ':([^:]*)$')
    local account = account_of(k.accounts, queue, user)
    redis.call('ZREM', k.turns, turn)
    if account then
      account.pass = math.max(0, account.pass - now)
      save_account(k, queue, user, account)
      redis.call('ZADD', k.turns, 0, turn_of(queue, user, account))
    end
  end
  redis.call('HDEL', k.accounts, queue)
end

-- Lets a record wait in its user's lane, lacking so much of its tag; where order is first in, first out, all are in one.
local function enter(k, uid, record, place, lacks)
  local is_fifo = redis.call('HGET', k.rules, 'order') == 'fifo'
  local queue, user = record.queue, is_fifo and '' or record.user
  local account = account_of(k.accounts, queue, user) or {pass = 0, virtual = 0, unspent = 0}
  if count_of(k.lanes, queue .. ':' .. user) == 0 then
    redis.call('ZREM', k.turns, turn_of(queue, user, account))
    account.pass = math.max(account.pass, virtual_time(k.accounts, queue))
  end
  local rank, tag = is_fifo and 0 or record.rank, is_fifo and 0 or math.min(LATEST, account.virtual + lacks)
  record.lane = string.format('%s:%s:%03.0f:%016.0f:%s:%s', queue, user, rank, tag, place, uid)
  redis.call('ZADD', k.lanes, 0, record.lane)
  if not is_fifo then
    redis.call('ZADD', k.shared, 0, shared_of(queue, user, tag, uid))
  end
  save_account(k, queue, user, account)
  redis.call('ZADD', k.turns, 0, turn_of(queue, user, account))
end

-- Says whether a record is in the lane that it would be in now.
local function is_in_lane(k, record)
  local user = record.lane and lane_of(record)
  local wanted = redis.call('HGET', k.rules, 'order') == 'fifo' and '' or record.user
  return user == wanted and redis.call('ZSCORE', k.lanes, record.lane) ~= false
end

-- Returns how much a record that waits lacks of its tag, or nil where that was not kept.
local function lacks_of(k, record)
  if record.lane and record.cost then
    local user, tag = lane_of(record)
    local account = account_of(k.accounts, record.queue, user)
    return account and tag > 0 and math.max(0, tag - account.virtual) or nil
  end
end

-- Takes out of its lane what waits in it.
local function leave(k, uid, record)
  if record.lane then
    local user, tag = lane_of(record)
    redis.call('ZREM', k.lanes, record.lane)
    redis.call('ZREM', k.shared, shared_of(record.queue, user, tag, uid))
    close_lane(k, record.queue, user)
  end
end

-- Takes a record out of its lane to be claimed, on its user's account.
local function serve(k, record)
  local queue, user = record.queue, lane_of(record)
  local account = account_of(k.accounts, queue, user) or {pass = virtual_time(k.accounts, queue), virtual = 0, unspent = 0}
  local cost = record.cost or 0
  if user ~= record.user then
    record.cost = nil  -- first in, first out: nobody's account
  end
  redis.call('ZREM', k.lanes, record.lane)
  redis.call('ZREM', k.turns, turn_of(queue, user, account))
  local virtual_now = math.max(virtual_time(k.accounts, queue), account.pass)
  account.pass = math.min(LATEST, account.pass + math.max(1, math.floor(cost / weight_of(k, user))))
  advance(k, queue, user, account, cost)
  redis.call(
    'HSET', k.accounts, queue, string.format('%.0f', virtual_now), queue .. ':' .. user, text_of(account)
  )
  redis.call('ZADD', k.turns, 0, turn_of(queue, user, account))
  close_lane(k, queue, user)
  if virtual_now > LATEST / 2 then
    begin_again(k, queue, virtual_now)
  end
end

-- Puts what an attempt took, in whole seconds, in the place of what was predicted for it. Of a queue in which nothing waits nobody owes.
local function settle(k, record, now)
  local queue, user = record.queue, record.user
  if not (record.cost and user) or count_of(k.lanes, queue) == 0 then
    return
  end
  local took = math.max(0, math.min(DEAREST, now - record.claimed_at))
  local more = took - took % 1000 - record.cost
  local virtual_now = virtual_time(k.accounts, queue)
  local account = account_of(k.accounts, queue, user) or {pass = virtual_now, virtual = 0, unspent = 0}
  local had_turn = redis.call('ZREM', k.turns, turn_of(queue, user, account)) == 1
  local waits = count_of(k.lanes, queue .. ':' .. user) > 0
  account.pass = math.max(0, math.min(LATEST, account.pass + math.floor(more / weight_of(k, user))))
  if not waits and account.pass <= virtual_now then
    return close_account(k, queue, user, account)
  end
  advance(k, queue, user, account, more)
  save_account(k, queue, user, account)
  if had_turn or not waits then
    redis.call('ZADD', k.turns, 0, turn_of(queue, user, account))
  end
end
