-- Adds a job unless one of its id is there: whether it was added, and the job.
begin()
local id = given.id
local key = job_key(id)
local time = now()
if redis.call('EXISTS', key) == 1 then
    local mine = fields(key, 'fp_token')[1] == given.token
    return {mine and 1 or 0, whole(id)}
end
-- What a record whose history has ended has left.
forget(id)
local run_at = given.run_at or time
local status = run_at > time and 'scheduled' or 'queued'
redis.call('HSET', key, 'data', ARGV[5], unpack(given.record))
redis.call('HSET', key, 'status', status, 'created_at', stamp, 'fp_token', given.token,
           'fp_run_at', text(run_at), 'fp_created_at', text(time))
redis.call('ZADD', own .. 'jobs', text(time), id)
if given.schedule_id then redis.call('SADD', active_key(given.schedule_id), id) end
if status == 'scheduled' then
    redis.call('ZADD', registry('scheduled', given.queue), text(run_at), rq_id(id))
else
    redis.call('HSET', key, 'enqueued_at', stamp)
    push(given.queue, id, run_at)
end
return {1, whole(id)}
