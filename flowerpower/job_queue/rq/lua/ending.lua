-- Ending jobs. It follows observing.lua in every script.

-- What is to be known of a job to end it, and of an attempt: read at once.
local FIELDS_TO_END = {
    'status', 'worker_name', 'fp_owner', 'fp_queue', 'fp_pipeline', 'fp_attempt', 'fp_cancel', 'fp_token',
    'fp_error', 'fp_unique_key', 'fp_parked', 'fp_concurrency_key', 'fp_schedule_id', 'fp_scheduled_for',
    'fp_started_at', 'fp_run_at', 'fp_created_at',
}
local function record_to_end(id) return named_fields(job_key(id), FIELDS_TO_END) end

-- Keeps the result of an attempt with which its job ends, in RQ's stream or in a key of its own, until then
-- (in milliseconds). Returns the id of its entry in the stream; empty if it has none there.
local function keep_result(id, status, ended, expires_at)
    local result_id = ''
    if ended.is_in_rq then
        -- RQ's own worker writes into its stream, and nobody knows in which form.
        if ended.result and ended.result_ttl ~= 0 then
            redis.call('SET', result_key(id), ended.result, 'PXAT', expires_at)
        end
    elseif status == 'finished' and ended.result_ttl == 0 then
        redis.call('DEL', results_key(id))
    else
        if status ~= 'finished' then ended.return_value, ended.fp_summary = nil, nil end
        local added = add_result(id, status, ended.owner, ended.attempt, ended)
        if ended.return_value then result_id = added end
    end
    return result_id
end

-- Takes a job that ends out of all that counts or names those that have not ended.
local function leave_living(id, job)
    if job.fp_parked and job.fp_parked ~= '' then unpark(id) end
    local key = concurrency_key_of(job)
    if key then set_concurrency(id, key) end
    if job.fp_unique_key and job.fp_unique_key ~= '' then release_unique(id, job.fp_unique_key) end
    if job.left_pipeline ~= job.fp_pipeline then note_not_running(id, job.fp_pipeline) end
end

-- Ends a job, with `ended` for that of an attempt (see `add_result`). Its record, results and logs
-- expire after its history, with a result after that's own time to live. `job` is what `record_to_end`
-- gives, with the pipeline that `drop_claim` has given as `left_pipeline`, and `changes` what else is to be
-- written into the record (name, value, …); both if they are known.
function end_job(id, queue, status, time, history_ttl, ended, job, changes)
    local key, expires, ended_at = job_key(id), text(time + history_ttl), text(time)
    local at = math.ceil((time + history_ttl) * 1000)
    local result_at, ttl = at, ended and (ended.result_ttl or 0) or 0
    job, changes = job or record_to_end(id), changes or {}
    if status == 'finished' and ttl >= 0 then
        table.insert(changes, 'fp_result_expires_at')
        table.insert(changes, text(time + ttl))
        result_at = math.min(at, math.ceil((time + ttl) * 1000))
    end
    local result_id = ended and keep_result(id, status, ended, result_at) or ''
    redis.call('PEXPIREAT', results_key(id), result_at)
    redis.call('HSET', key, 'status', status, 'ended_at', ended and ended.ended_at or stamp,
               'fp_ended_at', ended_at, 'fp_owner', '', 'fp_worker', job.worker_name or '',
               'fp_result_id', result_id, unpack(changes))
    redis.call('PEXPIREAT', key, at)
    redis.call('ZADD', registry(status, queue), expires, rq_id(id))
    redis.call('ZADD', own .. 'expiry', expires, id)
    if ended and ended.progress then
        redis.call('SET', progress_key(id), ended.progress, 'PXAT', at)
    else
        redis.call('PEXPIREAT', progress_key(id), at)
    end
    each_log(id, job.fp_attempt, function(log) redis.call('PEXPIREAT', log, at) end)
    leave_living(id, job)
    note_end(id, status, time, ended, job)
    -- Most jobs have no children.
    if redis.call('SISMEMBER', own .. 'parents', id) == 1 then end_children(id, ENDS[status], time) end
end

-- Cancels a job that has waited too long, which has left its queue: its id, pipeline and limit.
function expire(id, time)
    local job = fields(job_key(id), 'fp_queue', 'fp_pipeline', 'fp_expires_after', 'fp_expired_error')
    clear_start_by(id)
    redis.call('HSET', job_key(id), 'fp_error', job[4] or '')
    end_job(id, job[1], 'canceled', time, args.history_ttl)
    return {id, job[2] or '', job[3] or ''}
end
