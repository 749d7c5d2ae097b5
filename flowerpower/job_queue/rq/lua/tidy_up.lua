-- Puts right what RQ's own tools and workers leave: ended jobs that would never expire, jobs of
-- dead workers, queued ones that would expire, and ids of jobs that are gone. At most a few hundred
-- of each, as it is called again and again. Touches all keys of these jobs, counts, and taken: a hash
-- of jobs that a worker of RQ's has taken from a queue and not begun, by when they were first seen.
check_writable()
local time, limit, taken_key = now(), 200, own .. 'taken'
local prefix = rq .. ':queue:' .. namespace .. '.'

local function ours(job)
    local id = string.sub(job, #namespace + 3)
    return rq_id(id) == job and id or nil
end

-- An ended job that has no expiry, or another one than ours, in its registry.
local function expire(id, kind, queue)
    local expires = tonumber(redis.call('ZSCORE', own .. 'expiry', id)) or time + args.history_ttl
    local at = math.ceil(expires * 1000)
    local job = record_to_end(id)
    redis.call('ZADD', registry(kind, queue), text(expires), rq_id(id))
    redis.call('ZADD', own .. 'expiry', text(expires), id)
    for _, key in ipairs({job_key(id), progress_key(id), results_key(id)}) do
        redis.call('PEXPIREAT', key, at)
    end
    each_log(id, job.fp_attempt, function(log) redis.call('PEXPIREAT', log, at) end)
    leave_living(id, job)
    note_end(id, kind, time, nil, job)
    settle_parent(id, time)
end

-- The scores with which RQ's own worker (without a time to live) and Job.cancel leave a job.
local scores = {failed = {'-1', '-1'}, finished = {'+inf', '+inf'}, canceled = {'0', text(time)}}

for _, list in ipairs(redis.call('SMEMBERS', rq .. ':queues')) do
    if string.sub(list, 1, #prefix) == prefix then
        local queue = string.sub(list, #prefix + 1)
        for kind, range in pairs(scores) do
            local jobs = redis.call('ZRANGEBYSCORE', registry(kind, queue), range[1], range[2],
                                    'LIMIT', 0, limit)
            for _, job in ipairs(jobs) do
                local id = ours(job)
                if id and job_exists(id) then
                    expire(id, kind, queue)
                else
                    redis.call('ZREM', registry(kind, queue), job)
                end
            end
        end
        -- A worker of RQ's is here for a moment only; one that was killed here stays.
        local taken = redis.call('LRANGE', list .. ':intermediate', 0, limit - 1)
        for _, job in ipairs(taken) do
            local id = ours(job)
            local record = fields(rq .. ':job:' .. job, 'status')
            local seen = tonumber(redis.call('HGET', taken_key, job) or time) or 0
            if record[1] ~= 'queued' or time - seen > args.taken_limit then
                redis.call('LREM', list .. ':intermediate', 1, job)
                redis.call('HDEL', taken_key, job)
                if record[1] == 'queued' and id then push(queue, id) end
            else
                redis.call('HSET', taken_key, job, text(seen))
            end
        end
        if #taken == 0 then redis.call('DEL', taken_key) end
        -- While RQ's own worker lives, it moves on the score of what it runs.
        local lost = redis.call('ZRANGEBYSCORE', registry('wip', queue), '-inf', text(time - 30),
                                'LIMIT', 0, limit)
        for _, entry in ipairs(lost) do
            local id = ours(string.match(entry, '^(.-):') or '')
            redis.call('ZREM', registry('wip', queue), entry)
            local job = id and fields(job_key(id), 'status', 'fp_owner', 'fp_attempt', 'worker_name')
            local held = job and redis.call('HGET', held_key(job[2] or ''), id)
            if job and job[1] == 'started' and not held then
                redis.call('HSET', job_key(id), 'fp_error', args.error)
                end_job(id, queue, 'failed', time, args.history_ttl,
                        {owner = job[4] or '', attempt = job[3] or '0', exc_string = args.exc_string})
            end
        end
    end
end

-- Parents that RQ's own tools have ended or deleted: their children wait for them no longer.
for _, id in ipairs(redis.call('SRANDMEMBER', own .. 'parents', 500)) do settle_parent(id, time) end

-- What RQ's own worker or an earlier version ran, and what is gone.
for _, member in ipairs(redis.call('ZRANGE', own .. 'running', 0, -1)) do
    local id = string.match(member, ' ([^ ]+)$') or ''
    if fields(job_key(id), 'status')[1] ~= 'started' then redis.call('ZREM', own .. 'running', member) end
end
for queue in pairs(known_queues()) do
    for _, id in ipairs(running_ids(queue)) do
        local job = fields(job_key(id), 'status', 'fp_pipeline')
        if job[1] == 'started' and job[2] then note_running(id, job[2]) end
    end
    -- Of many that wait, some by chance: as it is called again and again, it comes to all of them.
    for _, member in ipairs(redis.call('ZRANDMEMBER', parked_key(queue), limit)) do
        local head = parked_of(member)
        local job = fields(job_key(head.id), 'status', 'fp_parked')
        if job[1] ~= 'queued' or job[2] ~= member then drop_parked(queue, head) end
    end
    for _, job in ipairs(redis.call('ZRANDMEMBER', registry('deferred', queue), limit)) do
        local record = fields(rq .. ':job:' .. job, 'status', 'fp_parked')
        if record[1] ~= 'deferred' and not record[2] then
            redis.call('ZREM', registry('deferred', queue), job)
        end
    end
end

-- RQ leaves a failed job that it queues again its time to live: it must not expire in its queue.
local soon = redis.call('ZRANGEBYSCORE', own .. 'expiry', '-inf', text(time + 600), 'LIMIT', 0, limit)
for _, id in ipairs(soon) do
    local job = fields(job_key(id), 'status', 'fp_queue')
    if is_live(job[1]) then clear_expiry(id, job[2]) end
end

-- `rq empty` and Job.delete know only some of a job's keys. The ids are looked at a page at a time.
local from = tonumber(redis.call('HGET', own .. 'counts', 'tidied') or 0) or 0
local page = redis.call('ZRANGE', own .. 'jobs', from, from + limit - 1)
local gone = 0
for _, id in ipairs(page) do
    if not job_exists(id) then
        delete_job(id)
        -- How many attempts it had is gone with it.
        each_log(id, '20', function(log) redis.call('DEL', log) end)
        gone = gone + 1
    end
end
redis.call('HSET', own .. 'counts', 'tidied', #page < limit and 0 or from + limit - gone)
return #page
