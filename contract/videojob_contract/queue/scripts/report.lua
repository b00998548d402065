#!lua flags=allow-oom
-- report: say how far an attempt is; the operator is told only when the stage changes.
-- uses: common, standing
--
-- Replies held, cancelled, lost or unknown.

local entries  = KEYS[1]  -- hash    uid -> record
local progress = KEYS[2]  -- hash    uid -> the worker's latest word
local events   = KEYS[3]  -- stream  what the operator is told

local uid     = ARGV[1]
local attempt = tonumber(ARGV[2])
local token   = ARGV[3]
local stage   = ARGV[4]
local word    = ARGV[5]

local record = load(entries, uid)
local outcome = standing(record, attempt, token)
if outcome == 'held' or outcome == 'cancelled' then
  redis.call('HSET', progress, uid, bounded(word))
  if record.stage ~= stage then
    record.stage = stage
    save(entries, uid, record)
    emit(events, 'stage', 'uid', uid, 'attempt', attempt)
  end
end
return outcome
