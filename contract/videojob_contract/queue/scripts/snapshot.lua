#!lua flags=no-writes
-- snapshot: count what waits and runs, and list the workers. Changes nothing.
-- uses: common, accounts
--
-- Replies {now, {queue, waiting, queued_at of the first or -1, ...}, claimed, {worker, record or why it is none, last
-- seen, ...}, how many wait for room under a limit in queues that give something out}.

local weights = KEYS[1]  -- hash  queue -> weight; 0 when closed, negative while stopped or held
local backlog = KEYS[2]  -- zset  queue:place:uid, all at score 0
local entries = KEYS[3]  -- hash  uid -> record
local leases  = KEYS[4]  -- zset  uid, by when its lease ends
local workers = KEYS[5]  -- hash  worker -> its record
local seen    = KEYS[6]  -- zset  worker, by when it was last heard of
local lanes   = KEYS[7]  -- zset  queue:user:rank:tag:place:uid, all at score 0
local resting = KEYS[8]  -- zset  what waits for room, all at score 0

local silent_ms = tonumber(ARGV[1])

local MOST_RESTING = 1000  -- beyond these they are not counted
local MOST_WORKERS = 10000  -- twice what a pool may have

local now = now_ms()
local queues, gives = {}, {}
local weight_of = redis.call('HGETALL', weights)
for i = 1, #weight_of, 2 do
  local queue = weight_of[i]
  gives[queue] = (tonumber(weight_of[i + 1]) or -1) >= 0
  local from, to = '[' .. queue .. ':', '(' .. queue .. ';'
  local head = redis.call('ZRANGE', backlog, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
  if head or weight_of[i + 1] ~= '0' then
    local uid = head and string.match(head, '^[^:]*:[^:]*:(.+)$')
    local first = uid and parse(redis.call('HGET', entries, uid), ENTRY)
    queues[#queues + 1] = queue
    queues[#queues + 1] = redis.call('ZLEXCOUNT', backlog, from, to)
    queues[#queues + 1] = first and first.queued_at or -1
  end
end
local alive = {}
local recent = redis.call('ZRANGE', seen, now - silent_ms, '+inf', 'BYSCORE', 'LIMIT', 0, MOST_WORKERS, 'WITHSCORES')
for i = 1, #recent, 2 do
  local record, why = parse(redis.call('HGET', workers, recent[i]), WORKER)
  alive[#alive + 1] = recent[i]
  alive[#alive + 1] = record and cjson.encode(record) or why
  alive[#alive + 1] = math.min(now, math.floor(recent[i + 1]))
end
local resting_now = 0
for _, member in ipairs(redis.call('ZRANGE', resting, 0, MOST_RESTING - 1)) do
  local user, queue, entry = string.match(member, '^%a+:([^:]*):([^:]*)(:?)')
  if gives[queue] then
    resting_now = resting_now + (entry == '' and count_of(lanes, queue .. ':' .. user) or 1)
  end
end
return {now, queues, redis.call('ZCARD', leases), alive, resting_now}
