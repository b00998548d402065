#!lua flags=allow-oom
-- expired: read the entries whose lease has ended, and sweep what is too old: tombstones, and workers not heard of.
-- uses: common, accounts, read
--
-- Replies for each what `read` returns, oldest first. A lease of what is not claimed is swept as well.

local entries    = KEYS[1]   -- hash  uid -> record
local progress   = KEYS[2]   -- hash  uid -> the worker's latest word
local results    = KEYS[3]   -- hash  uid -> how the attempt ended
local leases     = KEYS[4]   -- zset  uid, by when its lease ends
local backlog    = KEYS[5]   -- zset  queue:place:uid, all at score 0
local tombstones = KEYS[6]   -- zset  uid, by when its tombstone may go
local workers    = KEYS[7]   -- hash  worker -> its record
local seen       = KEYS[8]   -- zset  worker, by when it was last heard of
local lanes      = KEYS[9]   -- zset  queue:user:rank:tag:place:uid, all at score 0
local turns      = KEYS[10]  -- zset  queue:pass:user, all at score 0
local accounts   = KEYS[11]  -- hash  queue:user -> what the user had; queue -> virtual time

local limit     = tonumber(ARGV[1])
local silent_ms = tonumber(ARGV[2])

local SWEPT = 500  -- of each kind at a time, so that no call takes long

local now = now_ms()
for _, uid in ipairs(redis.call('ZRANGE', tombstones, '-inf', now, 'BYSCORE', 'LIMIT', 0, SWEPT)) do
  redis.call('ZREM', tombstones, uid)
  redis.call('HDEL', entries, uid)
end
for _, worker in ipairs(redis.call('ZRANGE', seen, '-inf', now - silent_ms, 'BYSCORE', 'LIMIT', 0, SWEPT)) do
  redis.call('ZREM', seen, worker)
  redis.call('HDEL', workers, worker)
end

local k = {
  entries = entries, progress = progress, results = results, leases = leases, backlog = backlog,
  lanes = lanes, turns = turns, accounts = accounts,
}
local found = {}
for _, uid in ipairs(redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, limit + SWEPT)) do
  local entry = read(k, uid, now)
  local is_past, why = entry and entry[5] == 1, entry and entry[2]
  if not is_past and why ~= NEWER then
    redis.call('ZREM', leases, uid)
  end
  if #found < limit and (is_past or why and why ~= '') then
    found[#found + 1] = entry
  end
end
return found
