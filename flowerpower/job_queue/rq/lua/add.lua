-- Adds a job unless one of its id is there: whether it was added, and the job.
begin()
local job = given.job
local key = job_key(job.id)
if redis.call('EXISTS', key) == 1 then
    local mine = fields(key, 'fp_token')[1] == given.token
    return {mine and 1 or 0, whole(job.id)}
end
insert(job, now())
return {1, whole(job.id)}
