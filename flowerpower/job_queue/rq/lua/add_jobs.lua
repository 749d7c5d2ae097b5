-- Adds jobs whose ids are free, with their followers. First, as JSON, for each: whether it was added,
-- and what `add_job` has set in it, because to read a new job takes longer than to add it; or instead
-- of that the id of the job that is its answer. Then all of those that have such an id, in order.
-- If the queue was moved away and one does not exist, it adds none and returns where to, instead of
-- the JSON. Touches all keys of a job, its queue or registry, active, children, parents, unique, and
-- migration.
local closed = redis.call('HGET', own .. 'migration', 'closed')
if closed then
    for _, job in ipairs(args.jobs) do
        if not job_exists(job.id) then return {false, closed} end
    end
end
check_writable()
local time, answers, to_read, seen = now(), {}, {}, {}
for position, job in ipairs(args.jobs) do
    local set_fields, id = add_job(job, time)
    if set_fields and #set_fields > 0 then
        answers[position] = {1, set_fields}
    else
        id = id or job.id
        -- With this token this same call made it before, and its answer was lost.
        local is_new = set_fields or id == job.id and not seen[id]
                       and fields(job_key(id), 'fp_token')[1] == args.token
        answers[position] = {is_new and 1 or 0, id}
        table.insert(to_read, read_job(id))
    end
    seen[job.id] = true
end
return {cjson.encode(answers), to_read}
