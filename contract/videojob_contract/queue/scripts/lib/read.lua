-- read: an entry as the operator sees it.

-- Returns how many of the record's queue wait before it, by its member `queue:sequence:uid`.
local function position(backlog, record)
  return redis.call('ZLEXCOUNT', backlog, '[' .. record.queue .. ':', '(' .. record.member)
end

local function read(k, uid)
  local raw = redis.call('HGET', k.entries, uid)
  if not raw then
    return false
  end
  local record = cjson.decode(raw)
  return {
    uid,
    raw,
    redis.call('ZSCORE', k.leases, uid),
    record.state == 'queued' and position(k.backlog, record) or false,
    redis.call('HGET', k.progress, uid),
    redis.call('HGET', k.results, uid),
  }
end
