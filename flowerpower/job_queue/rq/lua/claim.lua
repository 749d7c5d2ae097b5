-- Takes what is due from the queues, the longest due first, for one worker.
if redis.call('HEXISTS', own .. 'workers', given.worker) == 0 then return {} end
begin()
local time = now()
local taken = {}

-- Somebody else's job in our queue: never run, and RQ's own tools show why.
local function refuse(queue, job)
    local key = rq .. ':job:' .. job
    redis.call('HSET', key, 'status', 'failed', 'ended_at', stamp)
    redis.call('ZADD', registry('failed', queue), text(time + given.history_ttl), job)
    redis.call('PEXPIREAT', key, math.ceil((time + given.history_ttl) * 1000))
end

for _, queue in ipairs(given.queues) do
    local waiting = registry('scheduled', queue)
    for _, job in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', text(time), 'LIMIT', 0, 500)) do
        local id = string.sub(job, #namespace + 3)
        local found = fields(rq .. ':job:' .. job, 'status', 'fp_run_at')
        if found[1] == 'scheduled' and rq_id(id) == job then
            redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', stamp)
            push(queue, id, tonumber(found[2]) or 0)
        elseif found[1] == 'scheduled' then
            refuse(queue, job)
        end
        redis.call('ZREM', waiting, job)
    end
end

-- The queue whose first job is due longest, and that job.
local function next_due()
    local best, best_job, best_due
    for _, queue in ipairs(given.queues) do
        local job = redis.call('LINDEX', queue_key(queue), 0)
        if job then
            local due = tonumber(fields(rq .. ':job:' .. job, 'fp_run_at')[1] or 0) or 0
            if not best or due < best_due then best, best_job, best_due = queue, job, due end
        end
    end
    return best, best_job
end

while #taken < given.count do
    local queue, job = next_due()
    if not queue then break end
    local id = string.sub(job, #namespace + 3)
    local key = rq .. ':job:' .. job
    local found = fields(key, 'status', 'fp_attempt', 'fp_pipeline', 'fp_payload', 'fp_retries',
                         'fp_result_ttl', 'fp_scheduled_for', 'fp_ended_at')
    local is_ours = found[3] and job == rq_id(id)
    if found[1] == 'queued' and is_ours then
        -- Queued again by RQ's own tools.
        if found[8] and found[8] ~= '' then revive(id, queue) end
        local attempt = count_of(found[2]) + 1
        redis.call('HSET', key, 'status', 'started', 'started_at', stamp, 'last_heartbeat', stamp,
                   'worker_name', given.worker, 'fp_owner', given.worker, 'fp_attempt', attempt,
                   'fp_queue', queue, 'fp_started_at', text(time), 'fp_ended_at', '', 'fp_error', '')
        redis.call('HSET', held_key(given.worker), id, attempt)
        redis.call('ZADD', registry('wip', queue), '+inf', execution(id, given.worker, attempt))
        redis.call('DEL', progress_key(id))
        table.insert(taken, {id, attempt, found[3], found[4], found[5], found[6], found[7]})
    elseif found[1] == 'queued' then
        refuse(queue, job)
    end
    redis.call('LPOP', queue_key(queue))
end
return taken
