-- The pieces of an attempt's log with a number above `after`; nothing if there is no such job.
if not is_there(given.id) then return nil end
local log = log_key(given.id, given.attempt)
local range = fields(log, 'first', 'last')
local pieces = {}
for number = math.max(given.after, tonumber(range[1] or 0) or 0) + 1, tonumber(range[2] or 0) or 0 do
    table.insert(pieces, {number, redis.call('HGET', log, number) or ''})
end
return pieces
