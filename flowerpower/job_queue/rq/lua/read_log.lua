-- The pieces of an attempt's log with a number above `after`; nothing if the job does not exist.
-- Reads job and log.
if not job_exists(args.id) then return nil end
local log = log_key(args.id, args.attempt)
local range = fields(log, 'first', 'last')
local pieces = {}
for number = math.max(args.after, tonumber(range[1] or 0) or 0) + 1, tonumber(range[2] or 0) or 0 do
    table.insert(pieces, {number, redis.call('HGET', log, number) or ''})
end
return pieces
