#!lua flags=allow-oom
-- report: say how far an attempt is; the operator is told only when the stage changes.
-- uses: common, standing
--
-- The word is published too, for who shows the VideoJob to somebody (`progress_feed.py`), by the name of its key.
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
  redis.pcall('PUBLISH', progress, cjson.encode({uid = uid, progress = bounded(word)}))  -- which rules of before do not let
  if record.stage ~= stage then
    record.stage = stage
    save(entries, uid, record)
    emit(events, 'stage', 'uid', uid, 'attempt', attempt)
  end
end
return outcome
