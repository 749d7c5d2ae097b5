-- Writes rows of a schedule's ledger and adds their jobs, if the schedule still has the revision `seen`.
-- Returns for each row whether it is new; nothing if the schedule has changed; where to, if the queue
-- was moved away. Touches migration, schedule, fire, fires, spans, backfills, recorded, and all keys of
-- the jobs.
local schedule = fields(schedule_key(args.id), 'revision', 'backfill_token')
if schedule[2] == args.token then
    -- This same call wrote them before, and its answer was lost.
    local answer = {}
    for number, fire in ipairs(args.fires) do
        local is_ours = fire.job and fields(job_key(fire.job.id), 'fp_token')[1] == args.token
        answer[number] = is_ours and 1 or 0
    end
    return answer
end
local closed = redis.call('HGET', own .. 'migration', 'closed')
if closed then return closed end
if schedule[1] ~= args.seen then return nil end
check_writable()
local answer = write_fires(args.id, args.fires, now())
redis.call('HSET', schedule_key(args.id), 'revision', args.revision, 'backfill_token', args.token)
return answer
