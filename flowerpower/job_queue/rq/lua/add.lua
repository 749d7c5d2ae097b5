-- Adds jobs unless one of their id is there: for each whether it was added, and the job.
begin()
local time, answers, here = now(), {}, {}
for position, job in ipairs(given.jobs) do
    local is_new
    if is_there(job.id) then
        -- Mine if this call was made before, and its answer was lost.
        is_new = not here[job.id] and fields(job_key(job.id), 'fp_token')[1] == given.token
    else
        insert(job, time)
        is_new, here[job.id] = true, true
    end
    answers[position] = {is_new and 1 or 0, whole(job.id)}
end
return answers
