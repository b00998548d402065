#!lua flags=no-writes
-- scan: list a page of the uids that are queued, claimed or finished, or have what is no record. Changes nothing.
-- uses: common
--
-- Replies {next cursor, {uid, ...}}; the cursor is '0' after the last page.

local entries = KEYS[1]  -- hash  uid -> record

local cursor = ARGV[1]

local PAGE = 500

local live = {queued = true, claimed = true, finished = true}
local page = redis.call('HSCAN', entries, cursor, 'COUNT', PAGE)
local uids = {}
for i = 1, #page[2], 2 do
  local record, why = parse(page[2][i + 1], ENTRY)
  if why ~= NEWER and (not record or live[record.state]) then
    uids[#uids + 1] = page[2][i]
  end
end
return {page[1], uids}
