#!lua flags=no-writes
-- snapshot: count what waits and runs, and list the workers. Changes nothing.
-- uses: common
--
-- Replies {now, {queue, waiting, queued_at of the first or -1, ...}, claimed, {worker, record, last seen, ...}}.

local weights = KEYS[1]  -- hash  queue -> weight; 0 when closed, negative while held
local backlog = KEYS[2]  -- zset  queue:place:uid, all at score 0
local entries = KEYS[3]  -- hash  uid -> record
local leases  = KEYS[4]  -- zset  uid, by when its lease ends
local workers = KEYS[5]  -- hash  worker -> its record
local seen    = KEYS[6]  -- zset  worker, by when it was last heard of

local silent_ms = tonumber(ARGV[1])

local now = now_ms()
local queues = {}
local weight_of = redis.call('HGETALL', weights)
for i = 1, #weight_of, 2 do
  local queue = weight_of[i]
  local from, to = '[' .. queue .. ':', '(' .. queue .. ';'
  local head = redis.call('ZRANGE', backlog, from, to, 'BYLEX', 'LIMIT', 0, 1)[1]
  if head or weight_of[i + 1] ~= '0' then
    local first = head and load(entries, string.match(head, '^[^:]*:[^:]*:(.*)$'))
    queues[#queues + 1] = queue
    queues[#queues + 1] = redis.call('ZLEXCOUNT', backlog, from, to)
    queues[#queues + 1] = first and first.queued_at or -1
  end
end
local alive = {}
local recent = redis.call('ZRANGE', seen, now - silent_ms, '+inf', 'BYSCORE', 'WITHSCORES')
for i = 1, #recent, 2 do
  alive[#alive + 1] = recent[i]
  alive[#alive + 1] = redis.call('HGET', workers, recent[i])
  alive[#alive + 1] = recent[i + 1]
end
return {now, queues, redis.call('ZCARD', leases), alive}
