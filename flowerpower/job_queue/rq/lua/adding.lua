-- Adding jobs. It follows chains.lua in every script.

local add_job

-- Adds a job with `constant_fields` and the fields `job.record` (name, value, …), due at `job.run_at`
-- or at once, and its followers. Returns what it has set besides: status, run_at, created_at and
-- start_by; nothing of a job with parents, of which more is set.
local inserted = 0
local function insert(job, time)
    -- Jobs of one call are in the order in which they were added, too.
    local created_at = time + inserted * 1e-6
    inserted = inserted + 1
    local key = job_key(job.id)
    local jobs, at = own .. 'jobs', text(created_at)
    -- Keys of an expired record with this id may still exist: then it is still in the set. Or its
    -- key is of another type.
    if redis.call('ZADD', jobs, at, job.id) == 0 or redis.call('EXISTS', key) == 1 then
        delete_job(job.id)
        redis.call('ZADD', jobs, at, job.id)
    end
    local run_at = job.run_at or time
    local status = run_at > time and 'scheduled' or 'queued'
    local set_fields = {status, text(run_at), at, ''}
    local enqueued_at = status == 'queued' and stamp or ''
    -- The longest value first: with it Redis makes a hash table, else a list that each further
    -- field has to be compared with, and the table in the end.
    redis.call('HSET', key, unpack(job.record))
    redis.call('HSET', key, 'status', status, 'created_at', stamp, 'enqueued_at', enqueued_at,
               'fp_token', args.token, 'fp_run_at', set_fields[2], 'fp_created_at', set_fields[3],
               constant_fields())
    if job.unique_key then redis.call('HSET', own .. 'unique', job.unique_key, job.id) end
    if job.max_parallel then
        -- It does not age while it is blocked.
        block(job.id, job.queue, set_fields[3])
        set_fields[1] = 'deferred'
    else
        if job.concurrency_key then set_concurrency(job.id, job.concurrency_key, 'active') end
        if job.after then
            wait_for_parents(job, set_fields[3], time)
            set_fields = {}
        else
            if job.expires then
                set_start_by(job.id, run_at)
                set_fields[4] = fields(key, 'fp_start_by')[1] or ''
            end
            if status == 'scheduled' then
                -- RQ's own tools, and the counts of `snapshot`, know a queue by this set.
                redis.call('SADD', rq .. ':queues', queue_key(job.queue))
                redis.call('ZADD', registry('scheduled', job.queue), text(run_at), rq_id(job.id))
            else
                push(job.queue, job.id, {-(job.priority or 0), tonumber(set_fields[2]), tonumber(at)})
            end
        end
    end
    for _, follower in ipairs(job.followers or {}) do add_job(follower, time) end
    return set_fields
end

-- Adds a job if its id is free and, of a unique one, no other that asks for the same has not ended.
-- Returns what `insert` does; nothing, and the id of the job that is there, if it adds none.
function add_job(job, time)
    if job_exists(job.id) then return nil, job.id end
    local holder = job.unique_key and unique_holder(job.unique_key)
    if holder then return nil, holder end
    return insert(job, time)
end
