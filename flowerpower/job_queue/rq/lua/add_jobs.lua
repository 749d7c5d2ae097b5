-- Adds jobs whose ids are free. For each: whether it was added, and the job.
-- Touches all keys of a job, its queue or registry, and active.
check_writable()
local time, answers, added = now(), {}, {}
for position, job in ipairs(args.jobs) do
    local is_new
    if job_exists(job.id) then
        -- With this token this same call made it before, and its answer was lost.
        is_new = not added[job.id] and fields(job_key(job.id), 'fp_token')[1] == args.token
    else
        insert(job, time)
        is_new, added[job.id] = true, true
    end
    answers[position] = {is_new and 1 or 0, read_job(job.id)}
end
return answers
