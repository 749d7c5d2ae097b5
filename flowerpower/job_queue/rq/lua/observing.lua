-- What is kept of ends and fires beside their records: how they ended, counters and events, as
-- observing.py says it for SQL. It follows common.lua in every script. `BOUNDS` are the bounds of
-- the buckets of a counter. Writes last_status and failures of schedule:<id> and ended:<id>, too.

-- The queues that have had jobs, or are paused, as the keys of a table.
local function known_queues()
    local prefix, names = rq .. ':queue:' .. namespace .. '.', {}
    for _, list in ipairs(redis.call('SMEMBERS', rq .. ':queues')) do
        if string.sub(list, 1, #prefix) == prefix then names[string.sub(list, #prefix + 1)] = true end
    end
    for _, name in ipairs(redis.call('HKEYS', own .. 'paused')) do names[name] = true end
    return names
end

-- The id of a job that a registry of RQ names; nil if it is none of ours.
local function id_of(job)
    local id = string.sub(job, #namespace + 3)
    return rq_id(id) == job and id or nil
end

-- The ids of pairs of an id and a number, the least number first; at most `limit`.
local function ids_in_order(pairs_of_ids, limit)
    table.sort(pairs_of_ids, function(one, other) return one[2] < other[2] end)
    local ids = {}
    for position = 1, math.min(limit or #pairs_of_ids, #pairs_of_ids) do
        ids[position] = pairs_of_ids[position][1]
    end
    return ids
end

local function running_ids(queue)
    local ids = {}
    for _, entry in ipairs(redis.call('ZRANGE', registry('wip', queue), 0, -1)) do
        local id = id_of(string.match(entry, '^(.-):') or '')
        if id then table.insert(ids, id) end
    end
    return ids
end

local function bucket(seconds)
    if not seconds then return -1 end
    for position, bound in ipairs(BOUNDS) do
        if seconds <= bound then return position - 1 end
    end
    return #BOUNDS
end

-- Counters of a script that adds many, by their keys; it writes them once, by `write_counters`.
local gathered

local function write_counter(counter)
    redis.call('HINCRBY', own .. 'counters', counter.key, counter.count)
    for _, name in ipairs({'seconds', 'waited'}) do
        local sum = counter[name]
        if sum and sum > 0 then
            redis.call('HINCRBYFLOAT', own .. 'counter_' .. name, counter.key, text(sum))
        end
    end
end

local function gather_counters() gathered = {} end

local function write_counters()
    for _, counter in pairs(gathered) do write_counter(counter) end
    gathered = nil
end

function add_to_counter(counter)
    if not gathered then return write_counter(counter) end
    local sum = gathered[counter.key]
    if not sum then
        gathered[counter.key] = counter
        return
    end
    sum.count = sum.count + counter.count
    sum.seconds = (sum.seconds or 0) + (counter.seconds or 0)
    sum.waited = (sum.waited or 0) + (counter.waited or 0)
end

function add_event(event, time)
    if redis.call('HSETNX', own .. 'events', event.id, event.body) == 1 then
        redis.call('ZADD', own .. 'events_at', text(time), event.id)
    end
end

-- The type, message and node of an error: its traceback may be long.
local function short_error(error)
    local is_read, content = pcall(cjson.decode, error or '')
    if not is_read or type(content) ~= 'table' then return nil end
    local function word(name) return type(content[name]) == 'string' and content[name] or nil end
    return {type = word('type'), message = string.sub(word('message') or '', 1, 2000), node = word('node')}
end

-- An event of a job; Python makes its facts of these fields.
local function add_job_event(kind, event_id, id, time, more)
    local job = fields(job_key(id), 'fp_pipeline', 'fp_schedule_id', 'fp_scheduled_for', 'fp_attempt',
                       'fp_error')
    local body = {
        kind = kind, id = id, pipeline = job[1] or '', schedule_id = job[2] or '',
        scheduled_for = job[3] or '', attempt = job[4] or '', error = short_error(job[5]),
    }
    for name, value in pairs(more) do body[name] = value end
    add_event({id = event_id, body = cjson.encode(body)}, time)
end

-- A damaged record may hold anything, also what Redis does not add up: NaN and infinity.
local function duration(value)
    return value and value == value and value < 1e10 and math.max(0, value) or nil
end

local function count_end(job, pipeline, status, seconds)
    -- Of a damaged record: the parts of a counter's key must be told apart.
    if not string.match(pipeline, '^[%w_][%w_-]*$') then return end
    local started, due = tonumber(job.fp_started_at or ''), tonumber(job.fp_run_at or '')
    local created = tonumber(job.fp_created_at or '')
    local waited = started and due and created and started - math.max(due, created)
    seconds, waited = duration(seconds), duration(waited)
    add_to_counter({
        key = table.concat({'job', pipeline, status, bucket(seconds), bucket(waited)}, ' '),
        count = 1, seconds = seconds, waited = waited,
    })
end

-- Keeps that a job has ended. `ended` has what is known of its attempt, its own `seconds` and whether
-- to `tell_finished`; without it RQ's own worker or tools have ended the job. `job` is what `record_to_end`
-- gives.
function note_end(id, status, time, ended, job)
    local schedule, fire_time = job.fp_schedule_id or '', job.fp_scheduled_for or ''
    local pipeline = job.fp_pipeline or ''
    ended = ended or {}
    count_end(job, pipeline, status, ended.seconds)
    local key = own .. 'schedule:' .. schedule
    local is_fire = schedule ~= '' and fire_time ~= '' and redis.call('TYPE', key).ok == 'hash'
    if is_fire and redis.call('HEXISTS', own .. 'fire:' .. schedule, fire_time) == 1 then
        redis.call('HSET', own .. 'ended:' .. schedule, fire_time, status)
    end
    -- A cancelled job says nothing. Neither a backfill nor a job by hand says how the schedule does.
    if status ~= 'finished' and status ~= 'failed' then return end
    local key_of_job = job.fp_concurrency_key or ''
    local is_of_schedule = is_fire and (key_of_job == '' or key_of_job == schedule)
    -- Since when the schedule is failing stands in its record, and goes with it.
    local failing, name, track = own .. 'failing', pipeline, ':' .. pipeline
    if is_of_schedule then failing, name, track = key, 'failing_since', schedule end
    local since = redis.call('HGET', failing, name)
    local more = {seconds = ended.seconds}
    if status == 'failed' then
        add_job_event('failed', 'failed:' .. id .. ':' .. (job.fp_attempt or '0'), id, time, more)
        redis.call('HSET', failing, name, text(time))
    else
        if ended.tell_finished then
            add_job_event('finished', 'finished:' .. id .. ':' .. (job.fp_attempt or '0'), id, time, more)
        end
        if since then
            more.failing_since = since
            add_job_event('recovered', 'recovered:' .. track .. ':' .. since, id, time, more)
            redis.call('HDEL', failing, name)
        end
    end
    if is_of_schedule then
        local failures = status == 'failed' and count_of(fields(key, 'failures')[1]) + 1 or 0
        redis.call('HSET', key, 'failures', failures, 'last_status', status)
    end
end

-- Keeps that the worker of a job was lost, which runs again; `args.reason` says why.
function note_loss(id, attempt, time)
    add_job_event('lost', 'lost:' .. id .. ':' .. attempt, id, time, {reason = args.reason or ''})
end
