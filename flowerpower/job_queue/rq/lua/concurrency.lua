-- Blocked jobs, the ledger of schedules, and what became of their fires. It follows common.lua in every
-- script. A blocked job has RQ's status for one that waits for others, and is in RQ's registry of them.
--
--   active:<key>  blocked:<key>           the jobs of a concurrency key that have not ended: a set of
--                                         those that are not blocked, a sorted set by creation
--   blocked_keys  changed_keys            the sets of keys that have blocked jobs, and of those among
--                                         them that may have room since they were looked at
--   fires:<id>  spans:<id>  backfills:<id>   the times in the ledger: of single fires, of several misses
--                                         in a row, of what a backfill has made
--   recorded:<id>                         sorted set of all of them by when they were recorded
--   ended:<id>                            hash: how the job of each fire has ended

local ledger_sets = {'fires:', 'spans:', 'backfills:'}

local function blocked_key(key) return own .. 'blocked:' .. key end

-- The concurrency key in the fields of a job; earlier versions wrote only its schedule.
local function concurrency_key_of(job)
    local key, schedule = job.fp_concurrency_key, job.fp_schedule_id
    return key and key ~= '' and key or schedule and schedule ~= '' and schedule or nil
end

local function key_of(id)
    return concurrency_key_of(named_fields(job_key(id), {'fp_concurrency_key', 'fp_schedule_id'}))
end

-- A job is active, or blocked with `created_at`, or none of both any more (`kind` is nil).
function set_concurrency(id, key, kind, created_at)
    if not key then return end
    if kind ~= 'active' and redis.call('SREM', active_key(key), id) == 1
            and redis.call('EXISTS', blocked_key(key)) == 1 then
        redis.call('SADD', own .. 'changed_keys', key)
    end
    if kind ~= 'blocked' and redis.call('ZREM', blocked_key(key), id) == 1
            and redis.call('EXISTS', blocked_key(key)) == 0 then
        redis.call('SREM', own .. 'blocked_keys', key)
    end
    if kind == 'active' then redis.call('SADD', active_key(key), id) end
    if kind == 'blocked' then
        redis.call('ZADD', blocked_key(key), created_at, id)
        redis.call('SADD', own .. 'blocked_keys', key)
        redis.call('SADD', own .. 'changed_keys', key)
    end
end

function leave_concurrency(id) set_concurrency(id, key_of(id)) end
function enter_concurrency(id) set_concurrency(id, key_of(id), 'active') end

-- A job waits until its key has room for it.
function block(id, queue, created_at)
    redis.call('HSET', job_key(id), 'status', 'deferred', 'enqueued_at', '')
    redis.call('SADD', rq .. ':queues', queue_key(queue))
    redis.call('ZADD', registry('deferred', queue), created_at, rq_id(id))
    set_concurrency(id, key_of(id), 'blocked', created_at)
end

-- How many jobs of a key that are not blocked have not ended; RQ's own tools may have removed some.
local function count_running(key)
    local count = 0
    for _, id in ipairs(redis.call('SMEMBERS', active_key(key))) do
        if is_live(fields(job_key(id), 'status')[1]) then
            count = count + 1
        else
            redis.call('SREM', active_key(key), id)
        end
    end
    return count
end

-- How many jobs of a key have not ended.
function count_active(key)
    return count_running(key) + redis.call('ZCARD', blocked_key(key))
end

-- The first blocked job of a key, if there is room for it; entries of jobs that are gone are removed.
local function first_with_room(key)
    while true do
        local id = redis.call('ZRANGE', blocked_key(key), 0, 0)[1]
        if not id then return nil end
        local job = fields(job_key(id), 'status', 'fp_max_parallel')
        if job[1] == 'deferred' then
            local limit = math.max(count_of(job[2]), 1)
            return count_running(key) < limit and id or nil
        end
        -- RQ's own tools have taken it away, or queued it themselves.
        set_concurrency(id, key, is_live(job[1]) and 'active' or nil)
    end
end

-- The keys to look at: those that have changed, and some others. RQ's own tools tell nobody that they
-- have taken a job away, and to look at thousands each time would take long.
local function keys_to_look_at()
    local keys = redis.call('SMEMBERS', own .. 'changed_keys')
    for _, key in ipairs(redis.call('SRANDMEMBER', own .. 'blocked_keys', 50)) do
        table.insert(keys, key)
    end
    return keys
end

-- Whether a blocked job could be queued.
function has_room()
    for _, key in ipairs(keys_to_look_at()) do
        if first_with_room(key) then
            redis.call('SADD', own .. 'changed_keys', key)
            return true
        end
        redis.call('SREM', own .. 'changed_keys', key)
    end
    return false
end

-- Queues the blocked jobs whose keys have room, the oldest first.
function release_blocked(time)
    for _, key in ipairs(keys_to_look_at()) do
        redis.call('SREM', own .. 'changed_keys', key)
        local id = first_with_room(key)
        while id do
            local queue = fields(job_key(id), 'fp_queue')[1]
            redis.call('ZREM', registry('deferred', queue), rq_id(id))
            redis.call('HSET', job_key(id), 'fp_run_at', text(time))
            set_concurrency(id, key, 'active')
            enqueue(id, queue, time)
            id = first_with_room(key)
        end
    end
end

-- Cancels a job that waits; asks one that runs to end. `error` (JSON), if there is one, says why.
function cancel_job(id, time, error)
    local job = fields(job_key(id), 'status', 'fp_queue')
    redis.call('HSET', job_key(id), 'fp_cancel', '1')
    if error then redis.call('HSET', job_key(id), 'fp_error', error) end
    if job[1] ~= 'started' then
        redis.call('LREM', queue_key(job[2]), 0, rq_id(id))
        redis.call('ZREM', registry('scheduled', job[2]), rq_id(id))
        redis.call('ZREM', registry('deferred', job[2]), rq_id(id))
        clear_start_by(id)
        end_job(id, job[2], 'canceled', time, args.history_ttl)
    end
end

-- Cancels the oldest `count` jobs of a schedule that have not ended.
function replace_jobs(schedule, count, time, error)
    local jobs = {}
    for _, id in ipairs(redis.call('SMEMBERS', active_key(schedule))) do table.insert(jobs, id) end
    for _, id in ipairs(redis.call('ZRANGE', blocked_key(schedule), 0, -1)) do
        table.insert(jobs, id)
    end
    for position, id in ipairs(jobs) do
        local job = fields(job_key(id), 'status', 'fp_created_at')
        jobs[position] = {id, is_live(job[1]) and tonumber(job[2]) or math.huge}
    end
    table.sort(jobs, function(one, other) return one[2] < other[2] end)
    for position = 1, math.min(count, #jobs) do
        if jobs[position][2] < math.huge then cancel_job(jobs[position][1], time, error) end
    end
end

-- The ledger

-- Whether a row of the ledger has made a job; earlier versions called that 'made'.
local function is_enqueued(row)
    return row and (string.find(row, '"outcome": "enqueued"', 1, true)
                    or string.find(row, '"outcome": "made"', 1, true))
end

-- Writes rows of a schedule's ledger and adds their jobs. Returns for each whether it is new, and
-- how many jobs were added.
function write_fires(id, fires, time)
    local answer, added, ledger = {}, 0, own .. 'fire:' .. id
    for number, fire in ipairs(fires) do
        local before = redis.call('HGET', ledger, fire.time)
        local is_new = not is_enqueued(before)
        if is_new then
            for _, set in ipairs(before and ledger_sets or {}) do
                redis.call('ZREM', own .. set .. id, fire.time)
            end
            redis.call('HSET', ledger, fire.time, fire.row)
            redis.call('ZADD', own .. fire.set .. ':' .. id, fire.time, fire.time)
            redis.call('ZADD', own .. 'recorded:' .. id, text(time), fire.time)
            if fire.job then
                is_new = add_job(fire.job, time) ~= nil
                if is_new then added = added + 1 end
            end
            if is_new and fire.counter then add_to_counter(fire.counter) end
            if is_new and fire.event then add_event(fire.event, time) end
        end
        answer[number] = is_new and 1 or 0
    end
    return answer, added
end

function delete_fires(id, times)
    for _, time in ipairs(times) do
        for _, set in ipairs(ledger_sets) do redis.call('ZREM', own .. set .. id, time) end
        redis.call('ZREM', own .. 'recorded:' .. id, time)
        redis.call('HDEL', own .. 'fire:' .. id, time)
        redis.call('HDEL', own .. 'ended:' .. id, time)
    end
end
