-- Adding jobs. It follows chains.lua in every script. `args.kinds` are the kinds of jobs, as new_jobs.py
-- makes them: queue, priority and the like, and the fields (name, value, …) of all jobs of the kind.

local add_job

-- Adds a job with `constant_fields`, the fields of its kind, and those that it has itself (payload and
-- `more`), due at `job.run_at` or at once, and its followers. `kind_of_key` is what its key was before.
-- Returns what it has set besides: status, run_at, created_at and start_by; nothing of a job with parents,
-- of which more is set.
local inserted = 0
local function insert(job, time, kind_of_key)
    local id, key, kind = job.id, job_key(job.id), args.kinds[job.kind]
    -- Jobs of one call are in the order in which they were added, too.
    local created_at = text(time + inserted * 1e-6)
    inserted = inserted + 1
    -- Keys of an expired record with this id may still exist: then it is still in the set. Or its
    -- key is of another type.
    if redis.call('ZADD', own .. 'jobs', created_at, id) == 0 or kind_of_key ~= 'none' then
        delete_job(id)
        redis.call('ZADD', own .. 'jobs', created_at, id)
    end
    local due = job.run_at or time
    local run_at, status, enqueued_at, start_by = text(due), 'queued', stamp, ''
    if due > time then status, enqueued_at = 'scheduled', '' end
    redis.call('HSET', key, 'fp_payload', job.payload, 'status', status, 'created_at', stamp,
               'enqueued_at', enqueued_at, 'fp_token', args.token, 'fp_run_at', run_at,
               'fp_created_at', created_at, constant_fields(unpack(kind.fields)))
    if job.more then redis.call('HSET', key, unpack(job.more)) end
    if job.unique_key then redis.call('HSET', own .. 'unique', job.unique_key, id) end
    local set_fields
    if kind.max_parallel then
        -- It does not age while it is blocked.
        block(id, kind.queue, created_at)
        set_fields = {'deferred', run_at, created_at, ''}
    else
        if kind.concurrency_key then set_concurrency(id, kind.concurrency_key, 'active') end
        if job.after then
            wait_for_parents(job, kind.queue, created_at, time)
        else
            if kind.expires then
                set_start_by(id, due)
                start_by = fields(key, 'fp_start_by')[1] or ''
            end
            if status == 'scheduled' then
                -- RQ's own tools, and the counts of `snapshot`, know a queue by this set.
                redis.call('SADD', rq .. ':queues', queue_key(kind.queue))
                redis.call('ZADD', registry('scheduled', kind.queue), run_at, rq_id(id))
            else
                push(kind.queue, id, {-kind.priority, tonumber(run_at), tonumber(created_at)})
            end
            set_fields = {status, run_at, created_at, start_by}
        end
    end
    for _, follower in ipairs(job.followers or {}) do add_job(follower, time) end
    return set_fields or {}
end

-- Adds a job if its id is free and, of a unique one, no other that asks for the same has not ended.
-- Returns what `insert` does; nothing, and the id of the job that is there, if it adds none.
function add_job(job, time)
    local kind_of_key = redis.call('TYPE', job_key(job.id)).ok
    if kind_of_key == 'hash' then return nil, job.id end
    local holder = job.unique_key and unique_holder(job.unique_key)
    if holder then return nil, holder end
    return insert(job, time, kind_of_key)
end

-- Adds jobs of one kind that have nothing of their own but an id and a payload, and are due at once, as
-- `add_job` would add each, by few commands. Returns when they are due, and when each was created; nothing
-- if `add_job` has to look at each: an id is not free, or one that is queued comes after them.
local function add_alike(jobs, time)
    local kind, list, due = args.kinds[1], queue_key(args.kinds[1].queue), text(time)
    local keys, members, entries, answer = {}, {'NX'}, {}, {due}
    for position, job in ipairs(jobs) do
        keys[position], entries[position] = job_key(job.id), rq_id(job.id)
        answer[position + 1] = text(time + (position - 1) * 1e-6)
        members[2 * position], members[2 * position + 1] = answer[position + 1], job.id
    end
    if redis.call('EXISTS', unpack(keys)) > 0 then return nil end
    redis.call('SADD', rq .. ':queues', list)
    local last = next_place(list, -1, -1)
    if last and is_before({-kind.priority, tonumber(due), tonumber(answer[2])}, last) then return nil end
    -- What is left of an expired record is for `insert`, which then finds all of these ids in the set.
    if redis.call('ZADD', own .. 'jobs', unpack(members)) < #jobs then return nil end
    redis.call('HSET', keys[1], 'fp_payload', jobs[1].payload, 'status', 'queued', 'created_at', stamp,
               'enqueued_at', stamp, 'fp_token', args.token, 'fp_run_at', due,
               'fp_created_at', answer[2], constant_fields(unpack(kind.fields)))
    for position = 2, #jobs do
        -- Half of what it takes to write all of its fields.
        redis.call('COPY', keys[1], keys[position])
        redis.call('HSET', keys[position], 'fp_payload', jobs[position].payload,
                   'fp_created_at', answer[position + 1])
    end
    redis.call('RPUSH', list, unpack(entries))
    return answer
end
