-- Adds jobs whose ids are free. First, as JSON, for each: whether it was added, and what `insert` has
-- set in it, because to read a new job takes longer than to add it. Then those that existed, in order.
-- If the queue was moved away and one does not exist, it adds none and returns where to, instead of
-- the JSON. Touches all keys of a job, its queue or registry, active, and migration.
local closed = redis.call('HGET', own .. 'migration', 'closed')
if closed then
    for _, job in ipairs(args.jobs) do
        if not job_exists(job.id) then return {false, closed} end
    end
end
check_writable()
local time, answers, existing, added = now(), {}, {}, {}
for position, job in ipairs(args.jobs) do
    local is_new
    if job_exists(job.id) then
        -- With this token this same call made it before, and its answer was lost.
        is_new = not added[job.id] and fields(job_key(job.id), 'fp_token')[1] == args.token
    else
        answers[position] = {1, insert(job, time)}
        added[job.id] = true
    end
    if not answers[position] then
        answers[position] = {is_new and 1 or 0}
        table.insert(existing, read_job(job.id))
    end
end
return {cjson.encode(answers), existing}
