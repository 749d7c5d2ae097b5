-- The state of all queues: for each its name, how many jobs have each status, how many are blocked, and
-- when the job that waits the longest became due (of the first 200). Then the ids of up to `limit`
-- running jobs and as many that have failed last, and the time. Reads queues, their registries, paused,
-- blocked, and status and times of jobs.
local time = now()

local function oldest_due(queue)
    local oldest
    for _, job in ipairs(redis.call('LRANGE', queue_key(queue), 0, 199)) do
        local due = tonumber(fields(rq .. ':job:' .. job, 'fp_run_at')[1] or '')
        if due and (not oldest or due < oldest) then oldest = due end
    end
    return oldest and text(oldest) or ''
end

local queues, running, failed = {}, {}, {}
for name in pairs(known_queues()) do
    local waiting, blocked = redis.call('ZCARD', registry('scheduled', name)),
                             redis.call('ZCARD', registry('deferred', name))
    local function ended(kind)
        return redis.call('ZCOUNT', registry(kind, name), '(' .. text(time), '+inf')
    end
    table.insert(queues, {
        name, waiting + blocked, redis.call('LLEN', queue_key(name)),
        redis.call('ZCARD', registry('wip', name)), ended('finished'), ended('failed'),
        ended('canceled'), blocked, oldest_due(name),
        redis.call('HGET', own .. 'paused', name) or '',
    })
    for _, id in ipairs(running_ids(name)) do
        table.insert(running, {id, tonumber(fields(job_key(id), 'fp_started_at')[1] or '') or 0})
    end
    local newest = redis.call('ZREVRANGE', registry('failed', name), 0, args.limit - 1, 'WITHSCORES')
    for position = 1, #newest, 2 do
        local id = id_of(newest[position])
        if id then table.insert(failed, {id, -tonumber(newest[position + 1])}) end
    end
end

local function first_ids(found)
    table.sort(found, function(one, other) return one[2] < other[2] end)
    local ids = {}
    for position = 1, math.min(args.limit, #found) do ids[position] = found[position][1] end
    return ids
end

return {queues, first_ids(running), first_ids(failed), text(time)}
