-- read: an entry as the operator sees it.

-- Returns what a worker said, an empty text in place of one that is too long, or false.
local function word(hash, uid)
  if redis.call('HSTRLEN', hash, uid) > LONGEST_WORD then
    return ''
  end
  return redis.call('HGET', hash, uid)
end

-- Returns false, {uid, why it is no record}, or {uid, '', record, lease end, whether it is past, position, progress,
-- result, now}.
local function read(k, uid, now)
  local raw = redis.call('HGET', k.entries, uid)
  if not raw then
    return false
  end
  local record, why = parse(raw, ENTRY)
  if not record then
    return {uid, why}
  end
  local lease_end = tonumber(redis.call('ZSCORE', k.leases, uid) or nil)
  return {
    uid,
    '',
    cjson.encode(record),
    lease_end and math.max(0, math.min(math.floor(lease_end), LATEST_MS)) or false,
    record.state == 'claimed' and (lease_end or 0) <= now and 1 or 0,
    record.state == 'queued' and position(k, record) or false,
    word(k.progress, uid),
    word(k.results, uid),
    now,
  }
end
