-- Ends attempts, each independently. Returns for each whether it was held. Touches all keys of
-- their jobs, held, expiry, active, the registries, and the counts of RQ's worker.
check_writable()
local time, answers, counts = now(), {}, {}

-- Adds up what is counted of each worker.
local function count(attempt, status)
    local sum = counts[attempt.owner] or {finished = 0, failed = 0, seconds = 0}
    counts[attempt.owner] = sum
    -- One that is tried again has failed.
    local kind = status == 'scheduled' and 'failed' or status
    if sum[kind] then sum[kind] = sum[kind] + 1 end
    sum.seconds = sum.seconds + (attempt.seconds or 0)
end

-- A failed attempt is tried again.
local function schedule(id, queue, attempt, changes)
    add_result(id, 'scheduled', attempt.owner, attempt.attempt, attempt)
    redis.call('HSET', job_key(id), 'status', 'scheduled', 'fp_owner', '', 'worker_name', '',
               unpack(changes))
    if attempt.progress then redis.call('SET', progress_key(id), attempt.progress) end
    redis.call('ZADD', registry('scheduled', queue), text(attempt.run_at), rq_id(id))
    set_start_by(id, attempt.run_at)
end

local function finish(id, job, attempt)
    local queue, status, error = job.fp_queue, attempt.status, attempt.error or ''
    if status == 'scheduled' and job.fp_cancel == '1' then status = 'canceled' end
    -- An error of a running job is why it is cancelled.
    if status == 'canceled' and (job.fp_error or '') ~= '' then error = job.fp_error end
    job.left_pipeline = drop_claim(id, queue, attempt.owner, attempt.attempt)
    local changes = {
        'fp_error', error, 'fp_retries', attempt.retries, 'fp_attempts_left', attempt.attempts_left or '',
        'fp_token', args.token, 'fp_attempts', attempt.attempts,
    }
    for field, value in pairs({fp_run_at = attempt.run_at and text(attempt.run_at),
                               started_at = attempt.started_at}) do
        table.insert(changes, field)
        table.insert(changes, value)
    end
    if not attempt.is_in_rq then count(attempt, status) end
    if #attempt.log > 0 then append_log(id, attempt.attempt, attempt.log, LOG_LIMIT) end
    if status == 'scheduled' then
        schedule(id, queue, attempt, changes)
    else
        end_job(id, queue, status, time, args.history_ttl, attempt, job, changes)
    end
end

gather_counters()
for position, attempt in ipairs(args.ended) do
    local job = record_to_end(attempt.id)
    if is_held(attempt.id, attempt.owner, attempt.attempt, job) then
        finish(attempt.id, job, attempt)
        answers[position] = 1
    else
        -- With this token this same call ended it before, and its answer was lost.
        answers[position] = job.fp_token == args.token and 1 or 0
    end
end
write_counters()
for worker, sum in pairs(counts) do count_attempts(worker, sum.finished, sum.failed, sum.seconds) end
return answers
