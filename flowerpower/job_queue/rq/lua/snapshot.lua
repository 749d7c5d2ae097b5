-- The state of all queues: for each its name, how many jobs have each status, how many are blocked, and
-- since when the job waits that waits the longest (of the first 200): since it was due, or was added if
-- that was later. Then the ids of up to `limit` running jobs and as many that have failed last, and the
-- time. Reads queues, their registries, paused, blocked, and status and times of jobs.
local time = now()

local function oldest_due(queue)
    local oldest
    for _, job in ipairs(redis.call('LRANGE', queue_key(queue), 0, 199)) do
        local times = fields(rq .. ':job:' .. job, 'fp_run_at', 'fp_created_at')
        local due, added = tonumber(times[1] or ''), tonumber(times[2] or '')
        if due and added and added > due then due = added end
        if due and (not oldest or due < oldest) then oldest = due end
    end
    for _, member in ipairs(redis.call('ZRANGE', parked_key(queue), 0, 199)) do
        local place = parked_of(member).place
        local due = math.max(place[2], place[3])
        if not oldest or due < oldest then oldest = due end
    end
    return oldest and text(oldest) or ''
end

local queues, running, failed = {}, {}, {}
for name in pairs(known_queues()) do
    local deferred = registry('deferred', name)
    local waiting = redis.call('ZCOUNT', deferred, '-inf', '(0')
    local blocked = redis.call('ZCOUNT', deferred, '(0', '+inf')
    local queued = redis.call('LLEN', queue_key(name)) + redis.call('ZCARD', parked_key(name))
    local function ended(kind)
        return redis.call('ZCOUNT', registry(kind, name), '(' .. text(time), '+inf')
    end
    table.insert(queues, {
        name, waiting, redis.call('ZCARD', registry('scheduled', name)) + blocked, queued,
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

return {queues, ids_in_order(running, args.limit), ids_in_order(failed, args.limit), text(time)}
