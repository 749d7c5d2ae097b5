-- Adds jobs whose ids are free, with their followers. They are `args.jobs`; or, if they are of one kind
-- and have nothing else of their own, id, payload, id, payload … behind the arguments of every script.
-- Returns as JSON, for each: whether it was added, and what `add_job` has set in it, because to read a
-- new job takes longer than to add it; or instead of that the id of the job that is its answer. Then all
-- of those that have such an id, in order. Or, in the second case, an empty text if all were added alike,
-- and what `add_alike` returns. If the queue was moved away and one does not exist, it adds none and
-- returns where to, instead of the JSON. Touches all keys of a job, its queue or registry, active,
-- children, parents, unique, and migration.
local jobs = args.jobs or {}
for position = 5, args.jobs and 0 or #ARGV, 2 do
    table.insert(jobs, {kind = 1, id = ARGV[position], payload = ARGV[position + 1]})
end
local closed = redis.call('HGET', own .. 'migration', 'closed')
if closed then
    for _, job in ipairs(jobs) do
        if not job_exists(job.id) then return {false, closed} end
    end
end
check_writable()
local time = now()
local alike = not args.jobs and add_alike(jobs, time)
if alike then return {'', alike} end
local answers, to_read, seen = {}, {}, {}
for position, job in ipairs(jobs) do
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
