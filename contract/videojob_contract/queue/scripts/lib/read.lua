-- read: an entry as the operator sees it.

-- Returns how many of the record's queue wait before it, by its member `queue:place:uid`.
local function position(backlog, record)
  return redis.call('ZLEXCOUNT', backlog, '[' .. record.queue .. ':', '(' .. record.member)
end

local function read(k, uid, now)
  local raw = redis.call('HGET', k.entries, uid)
  if not raw then
    return false
  end
  local record = cjson.decode(raw)
  local lease_end = redis.call('ZSCORE', k.leases, uid)
  return {
    uid,
    raw,
    lease_end,
    lease_end and tonumber(lease_end) <= now and 1 or 0,
    record.state == 'queued' and position(k.backlog, record) or false,
    redis.call('HGET', k.progress, uid),
    redis.call('HGET', k.results, uid),
  }
end
