-- limits: how many of a user, of a project and of the pool run at a time, and what rests while no more may.
--
-- What the next claim would meet and may not give out is put aside, so that no claim meets it again before there is room: a
-- whole lane of a user (`user:USER:queue`); or, of a project, and of a user where all are in one lane, an entry by itself
-- (`kind:NAME:` and its member of lanes). The end of a run takes one out, from one user after the other.

local CURSOR = '@'  -- before it in accounts: the lane that was last taken out; no queue's name begins so
local MOST_QUEUES = 64

local function limit_of(k, kind)
  if not k.limits then
    local said = redis.call('HMGET', k.rules, 'running:user', 'running:project', 'running:pool')
    k.limits = {user = tonumber(said[1] or nil), project = tonumber(said[2] or nil), pool = tonumber(said[3] or nil)}
  end
  return k.limits[kind]
end

-- Returns how many run of a user or a project, and how many may, if they may be no more; those without a project are none.
local function reached(k, kind, name)
  local limit = name ~= nil and (kind == 'user' or name ~= '') and limit_of(k, kind)
  local count = limit and count_of(k.running, kind .. ':' .. name)
  if limit and count >= limit then
    return count, limit
  end
end

local function rest_lane(k, queue, user, turn)
  redis.call('ZREM', k.turns, turn)
  redis.call('ZADD', k.resting, 0, 'user:' .. user .. ':' .. queue)
end

local function rest_entry(k, kind, record)
  redis.call('ZREM', k.lanes, record.lane)
  redis.call('ZADD', k.resting, 0, kind .. ':' .. record[kind] .. ':' .. record.lane)
end

local function take_turn(k, queue, user)
  local account = account_of(k.accounts, queue, user) or {pass = 0, virtual = 0, unspent = 0}
  redis.call('ZREM', k.turns, turn_of(queue, user, account))
  account.pass = math.max(account.pass, virtual_time(k.accounts, queue))
  save_account(k, queue, user, account)
  redis.call('ZADD', k.turns, 0, turn_of(queue, user, account))
end

-- Takes out of rest the lanes of a user, and so many entries.
local function rouse(k, kind, name, entries)
  local prefix = kind .. ':' .. name
  local _, to = range_of(prefix)
  for _ = 1, MOST_QUEUES do
    local last = redis.call('HGET', k.accounts, CURSOR .. prefix)
    local member = last
      and redis.call('ZRANGE', k.resting, '(' .. prefix .. ':' .. last .. ';', to, 'BYLEX', 'LIMIT', 0, 1)[1]
      or first_of(k.resting, prefix)
    if not member then
      redis.call('HDEL', k.accounts, CURSOR .. prefix)
      return
    end
    local rests = string.sub(member, #prefix + 2)
    local queue, user = string.match(rests, '^([^:]+):([^:]*):')
    if queue and entries == 0 then
      return
    end
    redis.call('ZREM', k.resting, member)
    if queue then
      entries = entries - 1
      redis.call('HSET', k.accounts, CURSOR .. prefix, queue .. ':' .. user)
      redis.call('ZADD', k.lanes, 0, rests)  -- one that waits no more is taken out by the claim that meets it
      take_turn(k, queue, user)
    elseif count_of(k.lanes, rests .. ':' .. name) > 0 then
      take_turn(k, rests, name)
    end
  end
end

local function begin_run(k, uid, record)
  for _, kind in ipairs({'user', 'project'}) do
    local name = record[kind]
    if name and (kind == 'user' or name ~= '') then
      redis.call('ZADD', k.running, 0, kind .. ':' .. name .. ':' .. uid)
    end
  end
end

local function end_run(k, uid, record)
  local any_rests = redis.call('ZCARD', k.resting) > 0
  for _, kind in ipairs({'user', 'project'}) do
    local name = record[kind]
    local ran = name and redis.call('ZREM', k.running, kind .. ':' .. name .. ':' .. uid) == 1
    if ran and any_rests then
      rouse(k, kind, name, 1)
    end
  end
end

-- Takes out of its lane what waits in it, and out of rest; another may have waited behind it for room.
local function depart(k, uid, record)
  leave(k, uid, record)
  if redis.call('ZCARD', k.resting) == 0 then
    return
  end
  for _, kind in ipairs({'user', 'project'}) do
    local name = record.lane and record[kind]
    if name then
      redis.call('ZREM', k.resting, kind .. ':' .. name .. ':' .. record.lane)
      if not reached(k, kind, name) then
        rouse(k, kind, name, 1)
      end
    end
  end
end

-- Takes out of rest what there is room for: limits may have been raised.
local function rouse_all(k)
  local from = '-'
  for _ = 1, MOST_QUEUES do
    local member = redis.call('ZRANGE', k.resting, from, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
    if not member then
      return
    end
    local kind, name = string.match(member, '^(%a+):([^:]*):.')
    if not kind then
      redis.call('ZREM', k.resting, member)
    else
      local limit = limit_of(k, kind)
      local room = limit and limit - count_of(k.running, kind .. ':' .. name) or MOST_QUEUES
      if room > 0 then
        rouse(k, kind, name, room)
      end
      from = '(' .. kind .. ':' .. name .. ';'
    end
  end
end
