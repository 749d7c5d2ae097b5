-- Limits: what runs, which jobs a claim may start, and those that wait for a place. It follows common.lua
-- in every script. The law is that of flowerpower/jobs/limits.py. All members of the first two sets have
-- the score 0, and so are in the order of their letters.
--
--   running           sorted set of '<pipeline> <id>': the jobs that run
--   parked:<queue>    sorted set of '<pipeline> <place> <id>': queued jobs that a limit holds back; they
--                     are not in RQ's list, but in its registry of deferred jobs, with the score 0
--   starts:<limit>    sorted set of attempts by when they started, for as long as they count

-- Queued jobs without room that one claim takes out of RQ's list, at most.
local PARKED_PER_CLAIM = 500

local function parked_key(queue) return own .. 'parked:' .. queue end
local function starts_key(limit) return own .. 'starts:' .. limit end

-- What runs

function note_running(id, pipeline)
    redis.call('ZADD', own .. 'running', 0, pipeline .. ' ' .. id)
end

function note_not_running(id, pipeline)
    if pipeline then redis.call('ZREM', own .. 'running', pipeline .. ' ' .. id) end
end

-- The same for a job of which nothing is left that says its pipeline.
function note_gone(id)
    for _, member in ipairs(redis.call('ZRANGE', own .. 'running', 0, -1)) do
        if string.match(member, ' ([^ ]+)$') == id then
            redis.call('ZREM', own .. 'running', member)
        end
    end
end

-- The first and the last of what members of a pipeline may be called.
local function members_of(pipeline) return '[' .. pipeline .. ' ', '(' .. pipeline .. '!' end

local function count_running(pipeline)
    return redis.call('ZLEXCOUNT', own .. 'running', members_of(pipeline))
end

-- Starts

local function count_starts(name, seconds, time)
    return redis.call('ZCOUNT', starts_key(name), '(' .. text(time - seconds), '+inf')
end

-- In how many seconds one more job may start by a rate; 0 if one may now.
local function seconds_until_start(name, limit, time)
    local over = count_starts(name, limit.seconds, time) - limit.starts
    if over < 0 then return 0 end
    local first = redis.call('ZRANGEBYSCORE', starts_key(name), '(' .. text(time - limit.seconds), '+inf',
                             'WITHSCORES', 'LIMIT', over, 1)[2]
    return first and math.max(0, tonumber(first) + limit.seconds - time) or 0
end

local function note_start(limits, pipeline, id, attempt, time)
    for _, name in ipairs(limits.of_pipeline[pipeline] or {}) do
        local limit = limits.by_name[name]
        if limit.starts then
            local key = starts_key(name)
            redis.call('ZREMRANGEBYSCORE', key, '-inf', text(time - limit.seconds))
            redis.call('ZADD', key, text(time), id .. ':' .. attempt)
            redis.call('PEXPIREAT', key, math.ceil((time + limit.seconds) * 1000))
        end
    end
end

-- Room

-- The limits that a script is given; none.
local function given_limits() return args.limits or {by_name = {}, of_pipeline = {}} end

-- The free places of one claim, as the class Room has them. `count_of_pipeline(pipeline)` and
-- `count_of_rate(name, seconds)` are asked at most once for each pipeline of a limit that matters.
local function new_room(limits, count_of_pipeline, count_of_rate)
    local room, places, starts, reserved = {}, {}, {}, {}

    local function count(name)
        if places[name] then return end
        local limit = limits.by_name[name]
        places[name], starts[name] = math.huge, math.huge
        if limit.at_once then
            places[name] = limit.at_once
            for _, pipeline in ipairs(limit.pipelines) do
                places[name] = places[name] - count_of_pipeline(pipeline)
            end
        end
        if limit.starts then starts[name] = limit.starts - count_of_rate(name, limit.seconds) end
    end

    local function all_have(what, names)
        for _, name in ipairs(names) do
            count(name)
            if what[name] < 1 then return false end
        end
        return true
    end

    function room.names(pipeline) return limits.of_pipeline[pipeline] or {} end
    function room.has_places(pipeline) return all_have(places, room.names(pipeline)) end

    -- Takes the places of a job of the pipeline; whether it starts.
    function room.take(pipeline)
        local names = limits.of_pipeline[pipeline]
        if not names then return true end
        local has_starts = all_have(starts, names)
        local is_open = all_have(places, names) and has_starts
        if is_open or (has_starts and not reserved[pipeline]) then
            for _, name in ipairs(names) do
                places[name], starts[name] = places[name] - 1, starts[name] - 1
            end
        end
        if not is_open then reserved[pipeline] = true end
        return is_open
    end

    return room
end

-- The room that there is now.
local function room_at(time)
    return new_room(given_limits(), count_running, function(name, seconds)
        return count_starts(name, seconds, time)
    end)
end

-- Parked jobs

-- A number as a member has it; garbage as 0.
local function digits(number)
    if not (number and number >= 0 and number < 1e12) then number = 0 end
    return string.format('%019.6f', number)
end

local function park(id, queue, pipeline)
    local job = fields(job_key(id), 'fp_priority', 'fp_run_at', 'fp_created_at')
    local priority = tonumber(string.match(job[1] or '', '^-?%d%d?%d?$') or 0)
    local member = string.format('%s %04d %s %s %s', pipeline, 1000 - priority,
                                 digits(tonumber(job[2] or '')), digits(tonumber(job[3] or '')), id)
    redis.call('ZADD', parked_key(queue), 0, member)
    redis.call('ZADD', registry('deferred', queue), 0, rq_id(id))
    redis.call('HSET', job_key(id), 'fp_parked', member, 'fp_queue', queue)
end

-- A job that leaves its queue, or is in RQ's list again, is not parked any more.
function unpark(id)
    local job = fields(job_key(id), 'fp_parked', 'fp_queue')
    if not job[1] or job[1] == '' then return end
    local queue = job[2] or 'default'
    redis.call('ZREM', parked_key(queue), job[1])
    redis.call('ZREM', registry('deferred', queue), rq_id(id))
    redis.call('HDEL', job_key(id), 'fp_parked')
end

-- What a member of parked:<queue> says, with the `place` that queue_order.lua compares.
local function parked_of(member)
    local pipeline, priority, run_at, created_at, id = string.match(
        member, '^([^ ]+) (%d+) ([%d.]+) ([%d.]+) ([^ ]+)$')
    return {
        member = member, pipeline = pipeline or '', id = id or '',
        place = {(tonumber(priority) or 0) - 1000, tonumber(run_at) or 0, tonumber(created_at) or 0},
    }
end

-- The first parked job of a pipeline in a queue.
local function first_parked(queue, pipeline)
    local first, last = members_of(pipeline)
    local member = redis.call('ZRANGEBYLEX', parked_key(queue), first, last, 'LIMIT', 0, 1)[1]
    return member and parked_of(member)
end

-- The first parked job of each pipeline in a queue, in the order of the queue.
local function parked_heads(queue)
    local heads, from, key = {}, '-', parked_key(queue)
    while true do
        local member = redis.call('ZRANGEBYLEX', key, from, '+', 'LIMIT', 0, 1)[1]
        if not member then break end
        local head = parked_of(member)
        table.insert(heads, head)
        -- A member that nobody of ours has written is passed over by itself.
        from = '(' .. (head.id == '' and member or head.pipeline .. '!')
    end
    table.sort(heads, function(one, other) return is_before(one.place, other.place) end)
    return heads
end

-- Forgets a parked job whose record is gone, or says that it is not parked.
local function drop_parked(queue, head)
    redis.call('ZREM', parked_key(queue), head.member)
    local job = fields(job_key(head.id), 'status', 'fp_parked')
    if not job[1] or job[2] == head.member then
        redis.call('ZREM', registry('deferred', queue), rq_id(head.id))
        if job[1] then redis.call('HDEL', job_key(head.id), 'fp_parked') end
    end
end
