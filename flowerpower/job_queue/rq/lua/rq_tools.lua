-- What RQ's own tools show of attempts and workers, and what RQ writes itself. It follows common.lua
-- in every script. Nobody but RQ's tools depends on these keys: with pcall, one that somebody has put
-- there with another type stops no claim and no end of a job.
--
--   rq:results:<job>                      stream: how its last ten attempts ended
--   rq:executions:<job>  rq:worker:<worker>:executions   which attempts run now
--   rq:execution:<job>:<worker>-<attempt> hash: such an attempt
--   rq:worker:<worker>                    hash: RQ's record of a worker, with its counts

-- How an attempt ended, in RQ's numbers (rq.results.Result.Type), by the status of its job then.
local RESULT_TYPES = {finished = 1, failed = 2, canceled = 3, scheduled = 4}

-- Adds to RQ's stream how an attempt ended; returns the entry's id. `ended` has what Python knows
-- of it (rq/results.py).
function add_result(id, status, worker, attempt, ended)
    local entry = {'type', RESULT_TYPES[status], 'worker_name', worker,
                   'execution_id', worker .. '-' .. attempt}
    for _, name in ipairs({'exc_string', 'return_value', 'fp_summary', 'execution_started_at',
                           'execution_ended_at'}) do
        if ended[name] then
            table.insert(entry, name)
            table.insert(entry, ended[name])
        end
    end
    local key, copy = results_key(id), results_key(id) .. ':copy'
    local added = redis.pcall('XADD', key, 'MAXLEN', 10, '*', unpack(entry))
    -- Redis reserves 4 KB for a new stream, which would be most of what an ended job takes. A copy
    -- has only what it needs.
    if #(ended.return_value or '') < 4096 and redis.pcall('COPY', key, copy, 'REPLACE') == 1 then
        redis.call('RENAME', copy, key)
    end
    return type(added) == 'string' and added or ''
end

local function execution(id, owner, attempt) return rq_id(id) .. ':' .. owner .. '-' .. attempt end
local function execution_key(id, owner, attempt)
    return rq .. ':execution:' .. execution(id, owner, attempt)
end

-- Shows an attempt to RQ's tools. For RQ it never expires.
function begin_execution(id, queue, owner, attempt, time, pipeline)
    local name = execution(id, owner, attempt)
    redis.call('ZADD', registry('wip', queue), '+inf', name)
    redis.pcall('ZADD', rq .. ':executions:' .. rq_id(id), '+inf', owner .. '-' .. attempt)
    redis.pcall('HSET', execution_key(id, owner, attempt), 'id', owner .. '-' .. attempt,
                'job_id', rq_id(id), 'worker_name', owner, 'created_at', text(time),
                'last_heartbeat', text(time), 'fp_queue', queue, 'fp_pipeline', pipeline)
    redis.pcall('SADD', rq .. ':worker:' .. owner .. ':executions', name)
    note_running(id, pipeline)
end

-- Returns the pipeline of which it ran; nothing if nothing says that any more.
function end_execution(id, queue, owner, attempt)
    local name = execution(id, owner, attempt)
    -- From here, because its record may be gone. RQ's Job.delete has deleted this too.
    local pipeline = fields(execution_key(id, owner, attempt), 'fp_pipeline')[1]
    if pipeline then note_not_running(id, pipeline) else note_gone(id) end
    redis.call('ZREM', registry('wip', queue), name)
    redis.pcall('ZREM', rq .. ':executions:' .. rq_id(id), owner .. '-' .. attempt)
    redis.call('DEL', execution_key(id, owner, attempt))
    redis.pcall('SREM', rq .. ':worker:' .. owner .. ':executions', name)
    return pipeline
end

-- The queue of a job whose record is gone, but which a worker still runs.
function queue_of_execution(id, owner, attempt)
    return fields(execution_key(id, owner, attempt), 'fp_queue')[1]
end

-- Adds to the counts that RQ's tools show of a worker: attempts by how they have ended, and their seconds.
function count_attempts(worker, successful, failed, seconds)
    local key = rq .. ':worker:' .. worker
    -- Without its record, which expires, the counts would stay for ever.
    if redis.call('EXISTS', key) == 0 then return end
    if successful > 0 then redis.pcall('HINCRBY', key, 'successful_job_count', successful) end
    if failed > 0 then redis.pcall('HINCRBY', key, 'failed_job_count', failed) end
    redis.pcall('HINCRBYFLOAT', key, 'total_working_time', text(seconds))
end

-- Whether RQ's own worker or tools ended a job, and no script of ours.
local function is_ended_by_rq(id)
    local job = fields(job_key(id), 'status', 'fp_ended_at', 'worker_name', 'fp_worker')
    return job[1] and not is_live(job[1])
           and ((job[2] or '') == '' or (job[3] or '') ~= (job[4] or ''))
end

-- The entry of RQ's stream that has the job's result, or the error that RQ has ended it with.
function result_entry(id)
    local result_id = fields(job_key(id), 'fp_result_id')[1]
    local entries = {}
    if is_ended_by_rq(id) then
        entries = redis.pcall('XREVRANGE', results_key(id), '+', '-', 'COUNT', 1)
    elseif result_id and result_id ~= '' then
        entries = redis.pcall('XRANGE', results_key(id), result_id, result_id)
    end
    return not entries.err and entries[1] and entries[1][2] or {}
end
