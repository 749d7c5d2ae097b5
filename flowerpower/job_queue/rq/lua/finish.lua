-- Ends attempts, each by itself: which of them were held.
begin()
local time = now()
local answers = {}
for position, each in ipairs(given.ended) do
    local key = job_key(each.id)
    local found = fields(key, 'fp_queue', 'fp_cancel', 'fp_token', 'fp_attempt')
    if is_held(each.id, each.owner, each.attempt) then
        local queue, status = found[1], each.status
        if status == 'scheduled' and found[2] == '1' then status = 'cancelled' end
        let_go(each.id, queue, each.owner, each.attempt)
        redis.call('HSET', key, 'fp_error', each.error or '', 'fp_retries', each.retries,
                   'fp_attempts_left', each.attempts_left or '', 'fp_token', given.token)
        if each.run_at then redis.call('HSET', key, 'fp_run_at', text(each.run_at)) end
        if each.progress then redis.call('SET', progress_key(each.id), each.progress) end
        append_log(each.id, each.attempt, each.log, given.log_limit)
        if status == 'scheduled' then
            redis.call('HSET', key, 'status', status, 'fp_owner', '', 'worker_name', '')
            redis.call('ZADD', registry('scheduled', queue), text(each.run_at), rq_id(each.id))
        else
            end_job(each.id, queue, status, time, given.history_ttl, each.result, each.result_ttl)
        end
        answers[position] = 1
    else
        -- The same call again, because its answer was lost.
        answers[position] = found[3] == given.token and 1 or 0
    end
end
return answers
