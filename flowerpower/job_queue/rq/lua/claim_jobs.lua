-- Claims up to `count` due jobs for one worker, from the `queues` in their order. Returns the claims
-- and the jobs that had waited too long, and so were cancelled (at most `expire_limit`). For each
-- claim: id, attempt, and the fields of a claim; for each other: see `expire`.
-- Touches workers, held, progress, start_by, expiry, blocked, blocked_keys, active, the queues, their registries scheduled, wip,
-- canceled and failed, and status, times and owner of jobs.
if redis.call('HEXISTS', own .. 'workers', args.worker) == 0 then return {{}, {}} end
check_writable()
local time = now()

-- A job that is not ours, in our queue: it never runs, and RQ's own tools show it as failed.
local function refuse(queue, job)
    local key = rq .. ':job:' .. job
    redis.call('HSET', key, 'status', 'failed', 'ended_at', stamp)
    redis.call('ZADD', registry('failed', queue), text(time + args.history_ttl), job)
    redis.call('PEXPIREAT', key, math.ceil((time + args.history_ttl) * 1000))
end

release_blocked(time)
-- Scheduled jobs that are due go into their queue.
local queues = not_paused(args.queues)
for _, queue in ipairs(queues) do
    local waiting = registry('scheduled', queue)
    for _, job in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', text(time), 'LIMIT', 0, 500)) do
        local id = string.sub(job, #namespace + 3)
        local status = fields(rq .. ':job:' .. job, 'status')[1]
        if status == 'scheduled' and rq_id(id) == job then
            redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', stamp)
            push(queue, id)
        elseif status == 'scheduled' then
            refuse(queue, job)
        end
        redis.call('ZREM', waiting, job)
    end
end

local claimed, expired = {}, {}
for _, queue in ipairs(queues) do
    while #claimed < args.count and #expired < args.expire_limit do
        local job = redis.call('LINDEX', queue_key(queue), 0)
        if not job then break end
        local id = string.sub(job, #namespace + 3)
        local key = rq .. ':job:' .. job
        local record = fields(key, 'status', 'fp_attempt', 'fp_pipeline', 'fp_payload', 'fp_retries',
                              'fp_result_ttl', 'fp_scheduled_for', 'fp_attempts', 'fp_ended_at',
                              'fp_start_by', 'fp_owner', 'fp_after_parents')
        local is_ours = record[3] and job == rq_id(id)
        local start_by = record[10] and record[10] ~= '' and tonumber(record[10])
        if record[1] == 'queued' and is_ours and start_by and start_by <= time then
            table.insert(expired, expire(id, time))
        elseif record[1] == 'queued' and is_ours then
            -- It has ended before (a job that we queue has no owner), and RQ's own tools queued it
            -- again.
            if (record[9] or '') ~= '' or (record[11] or '') ~= '' then
                clear_expiry(id, queue)
                record[5] = '0'
            end
            if start_by then clear_start_by(id) end
            local attempt = count_of(record[2]) + 1
            redis.call('HSET', key, 'status', 'started', 'started_at', stamp,
                       'last_heartbeat', stamp, 'worker_name', args.worker,
                       'fp_owner', args.worker, 'fp_attempt', attempt, 'fp_queue', queue,
                       'fp_started_at', text(time), 'fp_ended_at', '', 'fp_error', '')
            redis.call('HSET', held_key(args.worker), id, attempt)
            begin_execution(id, queue, args.worker, attempt, time)
            redis.call('DEL', progress_key(id))
            table.insert(claimed, {id, attempt, record[3], record[4], record[5], record[6],
                                   record[7], record[8], record[12]})
        elseif record[1] == 'queued' then
            refuse(queue, job)
        end
        redis.call('LPOP', queue_key(queue))
    end
end
return {claimed, expired}
