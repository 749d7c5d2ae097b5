-- The steps of a migration; `verb` says which. Touches migration, all keys of jobs and schedules,
-- their queues and registries, active, and numbers.
--
-- migration is a hash: queue_id; closed, where this queue was moved to; outbox:<batch>, what was taken
-- and is not known to have arrived, as JSON; inbox:<batch>, a batch that has arrived, with what was
-- not taken of it. In a batch a hash is a list: name, value, …
local notes = own .. 'migration'
local waits = {queued = true, scheduled = true, deferred = true}

-- Whether a job waits here, and may move together with `others` (keys of a table). One that RQ's own
-- worker has just taken from its queue is in none.
local function is_waiting(id, others)
    local job = fields(job_key(id), 'status', 'fp_queue')
    if not (job_exists(id) and waits[job[1]]) then return false end
    if is_waiting_for_parents(id) and has_parent_here(id, others) then return false end
    return redis.call('ZSCORE', registry('scheduled', job[2]), rq_id(id))
        or redis.call('ZSCORE', registry('deferred', job[2]), rq_id(id))
        or redis.call('LPOS', queue_key(job[2]), rq_id(id))
end

-- All of a waiting job, which is deleted.
local function take_job(id)
    local logs, job = {}, fields(job_key(id), 'fp_attempt', 'fp_queue', 'fp_parked')
    unpark(id)
    each_log(id, job[1], function(log)
        local number = string.match(log, '%d+$')
        if redis.call('EXISTS', log) == 1 then logs[number] = redis.call('HGETALL', log) end
    end)
    local progress = redis.pcall('GET', progress_key(id))
    local taken = {id = id, hash = redis.call('HGETALL', job_key(id)), logs = logs}
    if type(progress) == 'string' then taken.progress = progress end
    -- The first entry only, which is near the head: to look through a long queue takes milliseconds.
    if not job[3] then redis.call('LREM', queue_key(job[2]), 1, rq_id(id)) end
    delete_job(id, true)
    return taken
end

-- The jobs of a schedule that have not ended; `known` are some of them.
local function jobs_of(schedule, known)
    local jobs, seen = {}, {}
    for _, ids in ipairs({redis.call('SMEMBERS', active_key(schedule)), known}) do
        for _, id in ipairs(ids) do
            local job = fields(job_key(id), 'status', 'fp_schedule_id')
            if not seen[id] and is_live(job[1]) and job[2] == schedule then
                table.insert(jobs, id)
                seen[id] = true
            end
        end
    end
    return jobs
end

-- A schedule with its ledger and its waiting jobs, which are deleted; nothing while a job of it runs.
local function take_schedule(id, known)
    local hash = redis.pcall('HGETALL', schedule_key(id))
    if hash.err or #hash == 0 then return nil end
    local jobs = jobs_of(id, known)
    local together = {}
    for _, job in ipairs(jobs) do together[job] = true end
    for _, job in ipairs(jobs) do
        if not is_waiting(job, together) then return nil end
    end
    local fires = {}
    local ledger = own .. 'fire:' .. id
    for _, set in ipairs(ledger_sets) do
        for _, time in ipairs(redis.call('ZRANGE', own .. set .. id, 0, -1)) do
            table.insert(fires, {
                time = time, set = string.sub(set, 1, -2),
                row = redis.call('HGET', ledger, time) or '{}',
                recorded_at = redis.call('ZSCORE', own .. 'recorded:' .. id, time) or time,
                ended = redis.call('HGET', own .. 'ended:' .. id, time) or '',
            })
        end
    end
    local taken = {schedule = {id = id, hash = hash}, fires = fires, jobs = {}}
    for _, job in ipairs(jobs) do table.insert(taken.jobs, take_job(job)) end
    unindex(id)
    for _, name in ipairs({'schedules', 'due', 'dealt_with'}) do
        redis.call('ZREM', own .. name, id)
    end
    for _, name in ipairs({'schedule:', 'fire:', 'recorded:', 'ended:', 'active:'}) do
        redis.call('DEL', own .. name .. id)
    end
    for _, set in ipairs(ledger_sets) do redis.call('DEL', own .. set .. id) end
    return taken
end

local function put_job(job)
    local id, key = job.id, job_key(job.id)
    -- Keys of an expired record with this id may still exist.
    if redis.call('ZSCORE', own .. 'jobs', id) or redis.call('EXISTS', key) == 1 then delete_job(id) end
    redis.call('HSET', key, unpack(job.hash))
    local record = fields(key, 'status', 'fp_queue', 'fp_run_at', 'fp_created_at', 'fp_start_by')
    redis.call('ZADD', own .. 'jobs', text(tonumber(record[4]) or 0), id)
    if job.progress then redis.call('SET', progress_key(id), job.progress) end
    for number, log in pairs(job.logs) do
        -- By pieces: a call takes some thousand arguments, and a log may have more.
        for place = 1, #log, 2 do
            redis.call('HSET', log_key(id, number), log[place], log[place + 1])
        end
    end
    redis.call('ZREM', own .. 'away', id)
    hold_unique(id)
    if is_waiting_for_parents(id) then
        enter_concurrency(id)
        wait_after_move(id, now())
        return
    end
    if record[1] == 'deferred' then
        block(id, record[2], text(tonumber(record[4]) or 0))
        return
    end
    enter_concurrency(id)
    local start_by = tonumber(record[5] or '')
    if start_by then redis.call('ZADD', own .. 'start_by', text(start_by), id) end
    if record[1] == 'scheduled' then
        local run_at = text(tonumber(record[3]) or 0)
        redis.call('SADD', rq .. ':queues', queue_key(record[2]))
        redis.call('ZADD', registry('scheduled', record[2]), run_at, rq_id(id))
    else
        push(record[2], id)
    end
end

local function put_schedule(schedule, fires)
    local id, key = schedule.id, schedule_key(schedule.id)
    redis.call('HSET', key, unpack(schedule.hash))
    local record = fields(key, 'state', 'due_at', 'last_fire', 'anchor', 'created_at', 'pipeline',
                          'definition')
    local last = tonumber(record[3] or '') or tonumber(record[4] or '') or 0
    local due = tonumber(record[2] or '')
    if due then redis.call('ZADD', own .. 'due', text(due), id) end
    if record[1] == 'active' then redis.call('ZADD', own .. 'dealt_with', text(last), id) end
    redis.call('ZADD', own .. 'schedules', text(tonumber(record[5]) or 0), id)
    if record[1] ~= 'done' then
        redis.call('HSETNX', own .. 'same', digest(record[6] or '', record[7] or ''), id)
    end
    for _, fire in ipairs(fires) do
        redis.call('HSET', own .. 'fire:' .. id, fire.time, fire.row)
        redis.call('ZADD', own .. fire.set .. ':' .. id, fire.time, fire.time)
        redis.call('ZADD', own .. 'recorded:' .. id, fire.recorded_at, fire.time)
        if fire.ended ~= '' then redis.call('HSET', own .. 'ended:' .. id, fire.time, fire.ended) end
    end
end

-- Why an item cannot be put here; nothing if it can.
local function obstacle(item)
    if item.schedule and redis.call('EXISTS', schedule_key(item.schedule.id)) == 1 then
        return 'there is a schedule ' .. item.schedule.id .. ' already'
    end
    for _, job in ipairs(item.jobs) do
        if job_exists(job.id) then return 'there is a job ' .. job.id .. ' already' end
        local holder = job.unique_key and unique_holder(job.unique_key)
        if holder then return 'it is unique, and ' .. holder .. ' there asks for the same' end
    end
end

local function put_item(item)
    if item.schedule then put_schedule(item.schedule, item.fires) end
    for _, job in ipairs(item.jobs) do put_job(job) end
end

if args.verb == 'take' then
    local name = 'outbox:' .. args.batch
    -- This same call was made before, and its answer was lost.
    local known = redis.call('HGET', notes, name)
    if known then return known end
    check_writable()
    local items = {}
    for _, schedule in ipairs(args.schedules) do
        table.insert(items, take_schedule(schedule.id, schedule.jobs))
    end
    for _, id in ipairs(args.jobs) do
        if is_waiting(id, {}) then table.insert(items, {jobs = {take_job(id)}}) end
    end
    local body = cjson.encode({target = args.target, taken_at = text(now()), items = items})
    if #items > 0 then redis.call('HSET', notes, name, body) end
    return body
elseif args.verb == 'put' then
    local name = 'inbox:' .. args.batch
    local known = redis.call('HGET', notes, name)
    if known then return known end
    check_writable()
    local refused = {}
    for number, item in pairs(args.items) do
        local reason = obstacle(item)
        if reason then refused[number] = reason else put_item(item) end
    end
    local body = cjson.encode(refused)
    redis.call('HSET', notes, name, body)
    return body
elseif args.verb == 'drop' then
    local name = 'outbox:' .. args.batch
    local body = redis.call('HGET', notes, name)
    if not body then return 0 end
    check_writable()
    local items = cjson.decode(body).items
    for _, number in ipairs(args.returned) do put_item(items[number + 1]) end
    redis.call('HDEL', notes, name)
    return 1
elseif args.verb == 'raise_numbers' then
    check_writable()
    for pipeline, number in pairs(args.numbers) do
        local last = tonumber(redis.call('HGET', own .. 'numbers', pipeline) or 0) or 0
        if last < number then redis.call('HSET', own .. 'numbers', pipeline, number) end
    end
    return 1
end
