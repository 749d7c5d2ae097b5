-- Jobs that run after others, and unique ones. It follows common.lua in every script. What ends of
-- parents mean stands in flowerpower/jobs/chain.py, and comes as `chain_law`.
--
--   children:<id>     set: the jobs that run after a job; it lives as long as they do
--   parents           set of the jobs whose ends others wait for
--   away              sorted set of parents that move from or to another queue by when that began
--   unique            hash: by what it asks for, the unique job that has not ended
--
-- A waiting job has RQ's status for one that depends on others, as a blocked one has, and is in RQ's
-- registry of them with a score below 0; blocked ones are above it.

local NOT_ENDED = cjson.null
-- Seconds after which a parent that was on its way to or from another queue counts as gone.
local AWAY_LIMIT = 3600

local function children_key(id) return own .. 'children:' .. id end

-- By condition and end of a parent: true, or the error of a child that this end does not suit. It is
-- decoded at the first use only: most scripts end jobs without children.
local law
local function verdict_of(condition, way)
    law = law or cjson.decode(chain_law)
    return law[condition] and law[condition][way]
end

-- The condition of a child, the ids of its parents in their order, and how each has ended; nothing if
-- the record is damaged, or has no parents.
local function parents_of(id)
    local written = fields(job_key(id), 'fp_after_parents')[1]
    if not written or written == '' then return nil end
    local is_read, content = pcall(cjson.decode, written)
    if not is_read or type(content) ~= 'table' or type(content.parents) ~= 'table'
            or type(content.on) ~= 'string' or not verdict_of(content.on, 'gone') then
        return nil
    end
    local names, places = {}, {}
    for name, way in pairs(content.parents) do
        if type(name) ~= 'string' or not (way == NOT_ENDED or verdict_of(content.on, way)) then
            return nil
        end
        table.insert(names, name)
        -- A table of Lua has no order, but its text has.
        places[name] = string.find(written, cjson.encode(name), 1, true) or 0
    end
    table.sort(names, function(one, other) return places[one] < places[other] end)
    return content.on, names, content.parents
end

-- As records.after_json writes it.
local function write_parents(id, condition, names, ends)
    local entries = {}
    for position, name in ipairs(names) do
        entries[position] = cjson.encode(name) .. ': ' .. cjson.encode(ends[name])
    end
    redis.call('HSET', job_key(id), 'fp_after_parents', '{"on": ' .. cjson.encode(condition)
               .. ', "parents": {' .. table.concat(entries, ', ') .. '}}')
end

-- How a job has ended; NOT_ENDED if it has not.
local function end_of(id)
    if not job_exists(id) then return 'gone' end
    local job = fields(job_key(id), 'status', 'fp_owner', 'fp_attempt')
    if is_live(job[1]) then return NOT_ENDED end
    -- RQ's own worker has written an end over a job that runs: see `is_held`.
    local held = job[2] and job[2] ~= '' and redis.call('HGET', held_key(job[2]), id)
    if held and held == job[3] then return NOT_ENDED end
    return ENDS[job[1]] or 'failed'
end

function is_waiting_for_parents(id)
    local job = fields(job_key(id), 'status', 'fp_max_parallel')
    return job[1] == 'deferred' and count_of(job[2]) == 0
end

local function wait(id, queue, created_at)
    redis.call('HSET', job_key(id), 'status', 'deferred', 'enqueued_at', '')
    redis.call('SADD', rq .. ':queues', queue_key(queue))
    redis.call('ZADD', registry('deferred', queue), text(-(tonumber(created_at) or 1)), rq_id(id))
end

-- A job is due once its parents have ended, or at its own time, if that is later.
local function leave_waiting(id, queue, time)
    local run_at = math.max(tonumber(fields(job_key(id), 'fp_run_at')[1] or '') or time, time)
    redis.call('ZREM', registry('deferred', queue), rq_id(id))
    redis.call('HSET', job_key(id), 'fp_run_at', text(run_at))
    if run_at > time then
        redis.call('HSET', job_key(id), 'status', 'scheduled')
        redis.call('ZADD', registry('scheduled', queue), text(run_at), rq_id(id))
        set_start_by(id, run_at)
    else
        enqueue(id, queue, time)
    end
end

local function cancel_waiting(id, queue, error, time)
    redis.call('ZREM', registry('deferred', queue), rq_id(id))
    redis.call('HSET', job_key(id), 'fp_error', cjson.encode(error))
    end_job(id, queue, 'canceled', time, args.history_ttl)
end

-- Cancels a child that waits if one of its parents has not ended as it should have; queues it if all have.
local function settle(id, time)
    local queue = fields(job_key(id), 'fp_queue')[1]
    local condition, names, ends = parents_of(id)
    if not condition then
        cancel_waiting(id, queue, {
            type = 'DamagedRecord', code = 'damaged_record',
            message = "The job's record is damaged: its after_parents cannot be read.",
        }, time)
        return
    end
    local is_due = true
    for _, name in ipairs(names) do
        local has_ended = ends[name] ~= NOT_ENDED
        local verdict = has_ended and verdict_of(condition, ends[name])
        if has_ended and verdict ~= true then
            local message = string.gsub(verdict.message, 'PARENT', function() return name end)
            cancel_waiting(id, queue, {
                type = verdict.type, code = verdict.code, message = message, after = name,
            }, time)
            return
        end
        is_due = is_due and has_ended
    end
    if is_due then leave_waiting(id, queue, time) end
end

-- A new job waits for its parents, if they have not ended all.
function wait_for_parents(job, queue, created_at, time)
    local ends = {}
    for _, parent in ipairs(job.after) do
        ends[parent] = end_of(parent)
        redis.call('SADD', children_key(parent), job.id)
        if ends[parent] == NOT_ENDED then redis.call('SADD', own .. 'parents', parent) end
    end
    write_parents(job.id, job.after_on, job.after, ends)
    wait(job.id, queue, created_at)
    settle(job.id, time)
end

-- Whether the ends of its parents have cancelled a job, and no user.
local function is_cancelled_by_parents(id)
    local job = fields(job_key(id), 'status', 'fp_error')
    local is_read, error = pcall(cjson.decode, job[2] or '')
    return job[1] == 'canceled' and is_read and type(error) == 'table'
           and error.code == 'after_not_met'
end

-- Calls `act` with each child of a job, its condition, its parents and their ends. Entries of jobs that
-- are gone, or that have other parents by now, are removed.
local function each_child(parent, act)
    local children = redis.pcall('SMEMBERS', children_key(parent))
    if children.err then return end
    for _, id in ipairs(children) do
        local condition, names, ends = parents_of(id)
        if not job_exists(id) or (condition and not ends[parent]) then
            redis.call('SREM', children_key(parent), id)
        else
            act(id, condition, names, ends)
        end
    end
end

-- Makes of `act(id, …)` a function that does the same for all jobs that `act` calls it for, one after
-- the other: a chain may be longer than what Lua's stack takes.
local function in_turn(act)
    local pending, is_acting = {}, false
    return function(...)
        table.insert(pending, {...})
        if is_acting then return end
        is_acting = true
        local position = 1
        while pending[position] do
            act(unpack(pending[position]))
            position = position + 1
        end
        pending, is_acting = {}, false
    end
end

-- A job has ended in a way: its children are due, or are cancelled, and theirs.
end_children = in_turn(function(parent, way, time)
    each_child(parent, function(id, condition, names, ends)
        local waits = is_waiting_for_parents(id)
        local is_cancelled = fields(job_key(id), 'status')[1] == 'canceled'
        if condition and ends[parent] == NOT_ENDED and (waits or is_cancelled) then
            ends[parent] = way
            write_parents(id, condition, names, ends)
        end
        if waits then settle(id, time) end
    end)
    redis.call('SREM', own .. 'parents', parent)
end)

-- Whether a job waits for a worker or its time, for the first time.
local function has_not_begun(id)
    local job = fields(job_key(id), 'status', 'fp_attempt')
    return (job[1] == 'queued' or job[1] == 'scheduled') and count_of(job[2]) == 0
end

-- Whether every parent has ended as the condition says. So it is not for a job that a user has retried
-- alone, which waits for nobody.
local function all_met(condition, ends)
    for _, way in pairs(ends) do
        if way == NOT_ENDED or verdict_of(condition, way) ~= true then return false end
    end
    return true
end

-- Takes a job out of where `insert` or `leave_waiting` has put it.
local function leave_queue(id)
    local queue = fields(job_key(id), 'fp_queue')[1]
    new_tails = {}
    unpark(id)
    redis.call('LREM', queue_key(queue), 0, rq_id(id))
    redis.call('ZREM', registry('scheduled', queue), rq_id(id))
    clear_start_by(id)
end

-- A job that had ended is to run again: the children that its end has cancelled wait for it again.
free_children = in_turn(function(parent)
    each_child(parent, function(id, condition, names, ends)
        local is_cancelled = is_cancelled_by_parents(id)
        local is_due = condition and has_not_begun(id) and all_met(condition, ends)
        -- Nobody retries a job that was deleted: it is another one of its id.
        if not condition or not (ends[parent] == 'failed' or ends[parent] == 'cancelled')
                or not (is_cancelled or is_due or is_waiting_for_parents(id)) then
            return
        end
        if is_due then leave_queue(id) end
        ends[parent] = NOT_ENDED
        write_parents(id, condition, names, ends)
        redis.call('SADD', own .. 'parents', parent)
        for _, way in pairs(ends) do
            if way ~= NOT_ENDED and verdict_of(condition, way) ~= true then return end
        end
        local job = fields(job_key(id), 'fp_queue', 'fp_created_at', 'fp_unique_key')
        if is_due then wait(id, job[1], job[2]) end
        if is_cancelled and not (job[3] and unique_holder(job[3], id)) then
            redis.call('HSET', job_key(id), 'fp_error', '', 'fp_ended_at', '', 'ended_at', '',
                       'worker_name', '')
            clear_expiry(id, job[1])
            wait(id, job[1], job[2])
        end
    end)
end)

-- Tells the children of a job that RQ's own tools have ended, or deleted. One that is on its way to or
-- from another queue is not gone.
function settle_parent(id, time)
    local way = end_of(id)
    local since = way == 'gone' and tonumber(redis.call('ZSCORE', own .. 'away', id) or '')
    if way == NOT_ENDED or (since and since > time - AWAY_LIMIT) then return end
    redis.call('ZREM', own .. 'away', id)
    end_children(id, way, time)
end

-- A waiting job that comes from another queue: its parents may have ended here meanwhile, or come later.
function wait_after_move(id, time)
    local job = fields(job_key(id), 'fp_queue', 'fp_created_at')
    local condition, names, ends = parents_of(id)
    for _, parent in ipairs(names or {}) do
        redis.call('SADD', children_key(parent), id)
        if ends[parent] == NOT_ENDED then
            local way = end_of(parent)
            redis.call('SADD', own .. 'parents', parent)
            if way == 'gone' then
                redis.call('ZADD', own .. 'away', text(time), parent)
            else
                ends[parent] = way
            end
        end
    end
    if condition then write_parents(id, condition, names, ends) end
    wait(id, job[1], job[2])
    settle(id, time)
end

-- Whether a job waits for one that is here, has not ended, and is none of `others` (keys of a table).
function has_parent_here(id, others)
    local _, names, ends = parents_of(id)
    for _, parent in ipairs(names or {}) do
        local waits_for_it = ends[parent] == NOT_ENDED and not others[parent]
        if waits_for_it and end_of(parent) == NOT_ENDED then return true end
    end
    return false
end

-- Before a job's record goes: its children are told, unless it moves to another queue, and nothing
-- names it any more.
function leave_chain(id, is_moved)
    local _, names = parents_of(id)
    for _, parent in ipairs(names or {}) do redis.call('SREM', children_key(parent), id) end
    if is_moved then
        if redis.call('EXISTS', children_key(id)) == 1 then
            redis.call('ZADD', own .. 'away', text(now()), id)
        end
        return
    end
    local way = end_of(id)
    end_children(id, way == NOT_ENDED and 'deleted' or way, now())
    redis.call('DEL', children_key(id))
end

-- Unique jobs

-- The other job that asks for the same and has not ended; nothing if there is none.
function unique_holder(key, id)
    local holder = redis.call('HGET', own .. 'unique', key)
    if not holder or holder == id then return nil end
    local job = fields(job_key(holder), 'status', 'fp_unique_key')
    return is_live(job[1]) and job[2] == key and holder or nil
end

function hold_unique(id)
    local key = fields(job_key(id), 'fp_unique_key')[1]
    if key and key ~= '' and not unique_holder(key, id) then
        redis.call('HSET', own .. 'unique', key, id)
    end
end

function release_unique(id, key)
    if key and key ~= '' and redis.call('HGET', own .. 'unique', key) == id then
        redis.call('HDEL', own .. 'unique', key)
    end
end
