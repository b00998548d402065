-- heads: the first of a queue that may be claimed.
--
-- What a newer version wrote is passed over, and what was enqueued by other terms than now: it is enqueued again in a
-- moment.

local LOOKS = 500  -- what is no entry is taken out or passed over on the way, so many at a time
local IN_LANE, IN_BACKLOG = '^[^:]*:[^:]*:%d+:%d+:[^:]*:(.+)$', '^[^:]*:[^:]*:(.+)$'

-- Returns the record that a member of lanes or backlog is of if it may be claimed, and its assignment; or nil, and whether
-- it stays. What does not stay is taken out: in a Redis that evicts keys, one may have lost its record, or its payload.
local function look_at(k, set, field, member, uid, now_valid)
  local record, why = parse(uid and redis.call('HGET', k.entries, uid), ENTRY)
  local is_entry = record and record[field] == member
  local is_valid = not now_valid or now_valid == '' or record and record.terms == now_valid
  local payload = is_entry and is_valid and redis.call('HGET', k.payloads, uid)
  if payload then
    return record, payload
  elseif why == NEWER or is_entry and not is_valid then
    return nil, true
  end
  redis.call('ZREM', set, member)
  if is_entry then
    redis.call('ZREM', k.backlog, record.member)
    leave(k, uid, record)
    redis.call('HDEL', k.entries, uid)
  end
  return nil, false
end

local function first_valid(k, set, field, prefix, pattern, now_valid, looks)
  local from, to = range_of(prefix)
  while looks.left > 0 do
    looks.left = looks.left - 1
    local member = redis.call('ZRANGE', set, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
    if not member then
      return nil
    end
    local uid = string.match(member, pattern)
    local record, rest = look_at(k, set, field, member, uid, now_valid)
    if record then
      return {uid = uid, record = record, payload = rest}
    elseif rest then
      from = '(' .. member
    end
  end
end

-- Returns the user of a turn, or nil of one that is none.
local function user_of(k, queue, turn)
  local user = string.match(turn, '^[^:]*:%d+:([^:]*)$')
  local account = user and account_of(k.accounts, queue, user)
  return account and turn_of(queue, user, account) == turn and user or nil
end

-- Returns the next of a queue, by its users' turns; or of what has no lane, or lost its turn, what has waited longest.
local function head_of(k, queue, now_valid)
  local from, to = range_of(queue)
  local looks = {left = LOOKS}
  while looks.left > 0 do
    looks.left = looks.left - 1
    local turn = redis.call('ZRANGE', k.turns, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
    if not turn then
      break
    end
    local user = user_of(k, queue, turn)
    local lane = user and queue .. ':' .. user
    local head = lane and first_valid(k, k.lanes, 'lane', lane, IN_LANE, now_valid, looks)
    if head then
      return head
    elseif lane and count_of(k.lanes, lane) > 0 then
      from = '(' .. turn
    else
      redis.call('ZREM', k.turns, turn)
      if lane then
        redis.call('HDEL', k.accounts, lane)
      end
    end
  end
  return first_valid(k, k.backlog, 'member', queue, IN_BACKLOG, now_valid, {left = LOOKS})
end
