-- standing: what a worker's token is worth against a record.
--   held       it holds the attempt
--   cancelled  it holds the attempt, which should end
--   unknown    nothing stands against it, but it is not known either: Redis was emptied, and the worker restores it
--   lost       it holds nothing

local function standing(record, attempt, token)
  if not record then
    return 'unknown'
  end
  if record.state == 'cancelled' or record.state == 'forgotten' or record.attempt > attempt then
    return 'lost'
  end
  if record.attempt < attempt or record.state == 'queued' then
    return 'unknown'
  end
  if record.state == 'claimed' and record.token == token then
    return record.cancelling and 'cancelled' or 'held'
  end
  return 'lost'
end
