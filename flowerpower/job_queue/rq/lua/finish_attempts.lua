-- Ends attempts, each independently. Returns for each whether it was held. Touches all keys of
-- their jobs, held, expiry, active, the registries, and the counts of RQ's worker.
check_writable()
local time = now()
local answers = {}
for position, attempt in ipairs(args.ended) do
    local id, key = attempt.id, job_key(attempt.id)
    local job = fields(key, 'fp_queue', 'fp_cancel', 'fp_token', 'fp_error')
    if is_held(id, attempt.owner, attempt.attempt) then
        local queue, status = job[1], attempt.status
        if status == 'scheduled' and job[2] == '1' then status = 'canceled' end
        drop_claim(id, queue, attempt.owner, attempt.attempt)
        local error = attempt.error or ''
        -- An error of a running job is why it is cancelled.
        if status == 'canceled' and (job[4] or '') ~= '' then error = job[4] end
        redis.call('HSET', key, 'fp_error', error, 'fp_retries', attempt.retries,
                   'fp_attempts_left', attempt.attempts_left or '', 'fp_token', args.token,
                   'fp_attempts', attempt.attempts)
        if attempt.run_at then redis.call('HSET', key, 'fp_run_at', text(attempt.run_at)) end
        if attempt.started_at then redis.call('HSET', key, 'started_at', attempt.started_at) end
        if attempt.progress then redis.call('SET', progress_key(id), attempt.progress) end
        if not attempt.is_in_rq then count_attempt(attempt.owner, status, attempt.seconds or 0) end
        append_log(id, attempt.attempt, attempt.log, LOG_LIMIT)
        if status == 'scheduled' then
            add_result(id, status, attempt.owner, attempt.attempt, attempt)
            redis.call('HSET', key, 'status', status, 'fp_owner', '', 'worker_name', '')
            redis.call('ZADD', registry('scheduled', queue), text(attempt.run_at), rq_id(id))
            set_start_by(id, attempt.run_at)
        else
            end_job(id, queue, status, time, args.history_ttl, attempt)
        end
        answers[position] = 1
    else
        -- With this token this same call ended it before, and its answer was lost.
        answers[position] = job[3] == args.token and 1 or 0
    end
end
return answers
