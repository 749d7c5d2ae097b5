-- The order of a queue, and by when its jobs must start. It follows common.lua in every script.

-- By what a queue is ordered: the lesser of two comes first. Nothing for an entry that RQ's own tools
-- have put there: where it stands says nothing of its neighbours.
local function place_of(job)
    local record = fields(rq .. ':job:' .. job, 'fp_priority', 'fp_run_at', 'fp_created_at',
                          'fp_pipeline', 'fp_ended_at')
    if not record[4] or (record[5] and record[5] ~= '') then return nil end
    local priority = string.match(record[1] or '', '^-?%d%d?%d?$') or 0
    return {-tonumber(priority), tonumber(record[2] or 0) or 0, tonumber(record[3] or 0) or 0}
end

local function is_before(place, other)
    for number = 1, 3 do
        if place[number] ~= other[number] then return place[number] < other[number] end
    end
    return false
end

-- The first of up to 100 entries from `position` on in steps of `step` that has a place, and where.
local function next_place(list, position, step)
    for _ = 1, 100 do
        local job = redis.call('LINDEX', list, position)
        if not job then return nil end
        local place = place_of(job)
        if place then return place, position end
        position = position + step
    end
end

-- Inserts an entry at a position of a list that is neither its first nor behind its last.
local function insert_at(list, position, length, entry)
    if length - position > 1000 then
        redis.call('LINSERT', list, 'BEFORE', redis.call('LINDEX', list, position), entry)
        return
    end
    -- LINSERT searches from the head; near the end, where a job that was scheduled belongs, it is
    -- faster to write the rest again.
    local rest = redis.call('LRANGE', list, position, -1)
    redis.call('LTRIM', list, 0, position - 1)
    redis.call('RPUSH', list, entry, unpack(rest))
end

-- Inserts a job into its queue, by its priority, due time and creation: its `place`, if it is new.
function push(queue, id, place)
    local list, entry = queue_key(queue), rq_id(id)
    local last = place and new_tails[list]
    if not last then
        redis.call('SADD', rq .. ':queues', list)
        last = next_place(list, -1, -1)
    end
    local is_new = place
    place = place or place_of(entry) or {0, 0, 0}
    if not last or not is_before(place, last) then
        redis.call('RPUSH', list, entry)
        new_tails[list] = is_new and place or nil
        return
    end
    if is_before(place, next_place(list, 0, 1) or last) then
        redis.call('LPUSH', list, entry)
        return
    end
    -- The first position whose job comes later, by halves.
    local length = redis.call('LLEN', list)
    local low, high = 1, length - 1
    while low < high do
        local middle = math.floor((low + high) / 2)
        local other, position = next_place(list, middle, 1)
        if not other or position >= high or is_before(place, other) then
            high = middle
        else
            low = position + 1
        end
    end
    insert_at(list, low, length, entry)
end

-- Lets a waiting job become too old so long after `since`, if it has a limit.
function set_start_by(id, since)
    local expires = tonumber(fields(job_key(id), 'fp_expires_after')[1] or '')
    -- Not for garbage either, such as "nan".
    if not (expires and expires > 0 and expires < 1e10) then return end
    redis.call('HSET', job_key(id), 'fp_start_by', text(since + expires))
    redis.call('ZADD', own .. 'start_by', text(since + expires), id)
end

-- A job waits no more: it runs, or has ended.
function clear_start_by(id)
    redis.call('ZREM', own .. 'start_by', id)
    redis.call('HSET', job_key(id), 'fp_start_by', '')
end
