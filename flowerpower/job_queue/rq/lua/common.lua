-- What every script begins with. ARGV: RQ's key prefix, the project's namespace, the time as RQ
-- writes it (for RQ's own readers only), and JSON. Times are seconds since 1970 on Redis's clock.
--
-- A job is RQ's hash <rq>:job:<namespace>--<id>, with fields of ours (fp_…) beside RQ's own; its
-- queue is RQ's list, its registries are RQ's sorted sets. What RQ has no place for is in keys
-- flowerpower:<namespace>:….

local rq, namespace, stamp = ARGV[1], ARGV[2], ARGV[3]
local given = cjson.decode(ARGV[4])
local own = 'flowerpower:' .. namespace .. ':'
local WORD = {scheduled = 'scheduled', queued = 'queued', running = 'started',
              finished = 'finished', failed = 'failed', cancelled = 'canceled'}

local function text(number) return string.format('%.6f', number) end

local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function rq_id(id) return namespace .. '--' .. id end
local function job_key(id) return rq .. ':job:' .. rq_id(id) end
-- A record that has lost its queue is one of the default one.
local function queue_name(queue) return namespace .. '.' .. (queue or 'default') end
local function queue_key(queue) return rq .. ':queue:' .. queue_name(queue) end
local function registry(word, queue) return rq .. ':' .. word .. ':' .. queue_name(queue) end
local function log_key(id, attempt) return own .. 'log:' .. id .. ':' .. attempt end
local function result_key(id) return own .. 'result:' .. id end
local function progress_key(id) return own .. 'progress:' .. id end
local function held_key(worker) return own .. 'held:' .. worker end
local function active_key(schedule) return own .. 'active:' .. schedule end
local function execution(id, owner, attempt) return rq_id(id) .. ':' .. owner .. '-' .. attempt end

-- Fields of a job; of one that is damaged beyond being a hash, none.
local function fields(key, ...)
    local found = redis.pcall('HMGET', key, ...)
    if found.err then return {} end
    return found
end

-- Whether a job is there; a key of another kind is none.
local function is_there(id) return redis.call('TYPE', job_key(id)).ok == 'hash' end

-- A count in a record, 0 for garbage and for more than can be.
local function count_of(value)
    return value and #value < 6 and string.match(value, '^%d+$') and tonumber(value) or 0
end

-- The first write of a script: without memory, or on a replica, it fails here, before anything
-- else was changed.
local function begin() redis.call('HINCRBY', own .. 'counts', 'writes', 1) end

-- Into a queue, behind what was due before it.
local function push(queue, id, run_at)
    local list = queue_key(queue)
    local function due(position)
        local other = redis.call('LINDEX', list, position)
        if not other then return nil end
        return tonumber(fields(rq .. ':job:' .. other, 'fp_run_at')[1] or 0) or 0
    end
    redis.call('SADD', rq .. ':queues', list)
    local first = due(0)
    if first and first > run_at then
        redis.call('LPUSH', list, rq_id(id))
        return
    end
    local behind = -1
    local other = due(behind)
    while other and other > run_at and behind > -1000 do
        behind = behind - 1
        other = due(behind)
    end
    if behind == -1 then
        redis.call('RPUSH', list, rq_id(id))
    else
        redis.call('LINSERT', list, 'AFTER', redis.call('LINDEX', list, behind), rq_id(id))
    end
end

-- Out of all registries that RQ may have it in.
local function unlist(id, queue)
    for _, word in ipairs({'scheduled', 'finished', 'failed', 'canceled', 'deferred'}) do
        redis.call('ZREM', registry(word, queue), rq_id(id))
    end
end

local function each_log(id, attempt, act)
    for number = 1, count_of(attempt) do act(log_key(id, number)) end
end

-- A job that has ended and is to run again: its history is not over.
local function revive(id, queue)
    local found = fields(job_key(id), 'fp_attempt', 'fp_schedule_id')
    unlist(id, queue)
    redis.call('ZREM', own .. 'expiry', id)
    redis.call('PERSIST', job_key(id))
    each_log(id, found[1], function(log) redis.call('PERSIST', log) end)
    if found[2] and found[2] ~= '' then redis.call('SADD', active_key(found[2]), id) end
end

local function queue_again(id, queue, run_at)
    redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', stamp, 'fp_ended_at', '',
               'ended_at', '', 'fp_owner', '', 'worker_name', '')
    push(queue, id, run_at)
end

-- The end of a job: kept until its history ends, its result until that expires.
local function end_job(id, queue, status, time, history_ttl, result, result_ttl)
    local key = job_key(id)
    local expires = time + history_ttl
    local at = math.ceil(expires * 1000)
    local found = fields(key, 'fp_attempt', 'fp_schedule_id')
    redis.call('HSET', key, 'status', WORD[status], 'ended_at', stamp, 'fp_ended_at', text(time),
               'fp_owner', '', 'worker_name', '')
    redis.call('ZADD', registry(WORD[status], queue), text(expires), rq_id(id))
    redis.call('ZADD', own .. 'expiry', text(expires), id)
    redis.call('PEXPIREAT', key, at)
    redis.call('PEXPIREAT', progress_key(id), at)
    each_log(id, found[1], function(log) redis.call('PEXPIREAT', log, at) end)
    if found[2] and found[2] ~= '' then redis.call('SREM', active_key(found[2]), id) end
    if status == 'finished' then
        if result_ttl >= 0 then
            redis.call('HSET', key, 'fp_result_expires_at', text(time + result_ttl))
            at = math.min(at, math.ceil((time + result_ttl) * 1000))
        end
        if result and result_ttl ~= 0 then
            redis.call('SET', result_key(id), result, 'PXAT', at)
        end
    end
end

-- Whether that attempt is the one that runs.
local function is_held(id, owner, attempt)
    local found = fields(job_key(id), 'status', 'fp_owner', 'fp_attempt')
    return found[1] == 'started' and found[2] == owner and tonumber(found[3]) == attempt
end

local function let_go(id, queue, owner, attempt)
    redis.call('HDEL', held_key(owner), id)
    redis.call('ZREM', registry('wip', queue), execution(id, owner, attempt))
end

-- To the log of an attempt; of more than `limit` bytes the end is kept, by whole pieces.
local function append_log(id, attempt, pieces, limit)
    local log = log_key(id, attempt)
    for _, piece in ipairs(pieces) do
        local last = redis.call('HINCRBY', log, 'last', 1)
        redis.call('HSET', log, last, piece)
        local size = redis.call('HINCRBY', log, 'size', #piece)
        while size > limit do
            local first = redis.call('HINCRBY', log, 'first', 1)
            size = redis.call('HINCRBY', log, 'size', -redis.call('HSTRLEN', log, first))
            redis.call('HDEL', log, first)
        end
    end
end

-- An attempt given back without a fault of its own; a loss is counted if `error` is given.
local function give_back(id, owner, attempt, time, error)
    if not is_held(id, owner, attempt) then return 0 end
    local key = job_key(id)
    local found = fields(key, 'fp_queue', 'fp_cancel', 'fp_worker_losses', 'fp_run_at')
    local queue, worker_losses = found[1], tonumber(found[3]) or 0
    let_go(id, queue, owner, attempt)
    if error then
        worker_losses = worker_losses + 1
        redis.call('HSET', key, 'fp_worker_losses', worker_losses)
    end
    if found[2] == '1' then
        end_job(id, queue, 'cancelled', time, given.history_ttl)
    elseif error and worker_losses >= given.max_worker_losses then
        redis.call('HSET', key, 'fp_error', error)
        end_job(id, queue, 'failed', time, given.history_ttl)
    else
        queue_again(id, queue, tonumber(found[4]) or 0)
    end
    return 1
end

-- A running job that is not held as its record says has a damaged record: who holds it has it.
local function mend(id, owner, attempt)
    local found = fields(job_key(id), 'status', 'fp_owner', 'fp_attempt')
    local held = found[2] and redis.call('HGET', held_key(found[2]), id)
    if found[1] == 'started' and not (held and held == found[3]) then
        redis.call('HSET', job_key(id), 'fp_owner', owner, 'fp_attempt', attempt)
    end
end

local function lose_all(worker, time)
    local count = 0
    for _, id in ipairs(redis.call('HKEYS', held_key(worker))) do
        local attempt = tonumber(redis.call('HGET', held_key(worker), id))
        mend(id, worker, attempt)
        count = count + give_back(id, worker, attempt, time, given.error)
    end
    redis.call('DEL', held_key(worker))
    return count
end

-- Nothing is left of a job.
local function forget(id)
    local found = fields(job_key(id), 'fp_queue', 'fp_attempt', 'fp_owner', 'fp_schedule_id')
    local queue = found[1]
    if queue then
        unlist(id, queue)
        redis.call('LREM', queue_key(queue), 0, rq_id(id))
        if found[3] and found[3] ~= '' then let_go(id, queue, found[3], found[2]) end
    end
    if found[4] and found[4] ~= '' then redis.call('SREM', active_key(found[4]), id) end
    each_log(id, found[2], function(log) redis.call('DEL', log) end)
    redis.call('DEL', job_key(id), result_key(id), progress_key(id))
    redis.call('ZREM', own .. 'jobs', id)
    redis.call('ZREM', own .. 'expiry', id)
end

-- A job as it is: the fields of its hash, its result and its progress (empty if of another kind).
local function whole(id)
    local function part(key)
        local found = redis.pcall('GET', key)
        return type(found) == 'table' and '' or found
    end
    local record = is_there(id) and redis.call('HGETALL', job_key(id)) or {}
    return {record, part(result_key(id)), part(progress_key(id)), text(now())}
end

-- A new job, of `job.record` (fields, one after another), due at `job.run_at` or at once.
local function insert(job, time)
    local key = job_key(job.id)
    -- What a record whose history has ended has left.
    forget(job.id)
    local run_at = job.run_at or time
    local status = run_at > time and 'scheduled' or 'queued'
    redis.call('HSET', key, unpack(job.record))
    redis.call('HSET', key, 'status', status, 'created_at', stamp, 'fp_token', given.token,
               'fp_run_at', text(run_at), 'fp_created_at', text(time))
    redis.call('ZADD', own .. 'jobs', text(time), job.id)
    if job.schedule_id then redis.call('SADD', active_key(job.schedule_id), job.id) end
    if status == 'scheduled' then
        redis.call('ZADD', registry('scheduled', job.queue), text(run_at), rq_id(job.id))
    else
        redis.call('HSET', key, 'enqueued_at', stamp)
        push(job.queue, job.id, run_at)
    end
end

-- Schedules

local function schedule_key(id) return own .. 'schedule:' .. id end
local function digest(pipeline, definition)
    return redis.sha1hex(pipeline .. '\n' .. definition)
end

-- Where a schedule stands: in its hash and in the sets that are looked through.
local function move(id, moved)
    redis.call('HSET', schedule_key(id), unpack(moved.fields))
    if moved.due_at then
        redis.call('ZADD', own .. 'due', text(moved.due_at), id)
    else
        redis.call('ZREM', own .. 'due', id)
    end
    if moved.is_active then
        redis.call('ZADD', own .. 'dealt_with', text(moved.last_processed_at), id)
    else
        redis.call('ZREM', own .. 'dealt_with', id)
    end
end

-- No longer found by what it is.
local function unname(id)
    local found = fields(schedule_key(id), 'pipeline', 'definition')
    if found[1] and found[2] then
        local name = digest(found[1], found[2])
        if redis.call('HGET', own .. 'same', name) == id then
            redis.call('HDEL', own .. 'same', name)
        end
    end
end

-- How many jobs of a schedule have not ended; what RQ's own tools took away does not count.
local function count_active(schedule)
    local ids = redis.call('SMEMBERS', active_key(schedule))
    local count = 0
    for _, id in ipairs(ids) do
        local status = fields(job_key(id), 'status')[1]
        if status == 'scheduled' or status == 'queued' or status == 'started' then
            count = count + 1
        else
            redis.call('SREM', active_key(schedule), id)
        end
    end
    return count
end
