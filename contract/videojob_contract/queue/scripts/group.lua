#!lua flags=allow-oom
-- group: make the consumer group that reads the events, and their stream.
--
-- Replies nothing; one that exists already stays as it is.

local events = KEYS[1]  -- stream  what the operator is told

local group = ARGV[1]

local made = redis.pcall('XGROUP', 'CREATE', events, group, '0', 'MKSTREAM')
if made.err and not string.match(made.err, '^BUSYGROUP') then
  return made
end
