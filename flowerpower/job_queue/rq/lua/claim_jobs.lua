-- Claims up to `count` due jobs for one worker, from the `queues` in their order, as far as `limits` have
-- room. Returns the claims and the jobs that had waited too long, and so were cancelled (at most
-- `expire_limit`). For each claim: id, attempt, and the fields of a claim; for each other: see `expire`.
-- Touches workers, held, progress, start_by, expiry, blocked, blocked_keys, active, running, parked, starts,
-- children, parents, unique, the queues, their registries scheduled, deferred, wip, canceled and failed, and
-- status, times and owner of jobs.
if redis.call('HEXISTS', own .. 'workers', args.worker) == 0 then return {{}, {}} end
check_writable()
local time = now()

-- A job that is not ours, in our queue: it never runs, and RQ's own tools show it as failed.
local function refuse(queue, job)
    local key = rq .. ':job:' .. job
    redis.call('HSET', key, 'status', 'failed', 'ended_at', stamp)
    redis.call('ZADD', registry('failed', queue), text(time + args.history_ttl), job)
    redis.call('PEXPIREAT', key, math.ceil((time + args.history_ttl) * 1000))
end

release_blocked(time)
-- Scheduled jobs that are due go into their queue.
local queues = not_paused(args.queues)
for _, queue in ipairs(queues) do
    local waiting = registry('scheduled', queue)
    for _, job in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', text(time), 'LIMIT', 0, 500)) do
        local id = string.sub(job, #namespace + 3)
        local status = fields(rq .. ':job:' .. job, 'status')[1]
        if status == 'scheduled' and rq_id(id) == job then
            redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', stamp)
            push(queue, id)
        elseif status == 'scheduled' then
            refuse(queue, job)
        end
        redis.call('ZREM', waiting, job)
    end
end

local room, limits = room_at(time), given_limits()
local claimed, expired, parked = {}, {}, 0

local function record_of(job)
    return fields(rq .. ':job:' .. job, 'status', 'fp_attempt', 'fp_pipeline', 'fp_payload',
                  'fp_retries', 'fp_result_ttl', 'fp_scheduled_for', 'fp_attempts', 'fp_ended_at',
                  'fp_start_by', 'fp_owner', 'fp_parked', 'fp_after_parents')
end

local function start(queue, id, record)
    local key = job_key(id)
    if record[10] and record[10] ~= '' then clear_start_by(id) end
    local attempt = count_of(record[2]) + 1
    redis.call('HSET', key, 'status', 'started', 'started_at', stamp,
               'last_heartbeat', stamp, 'worker_name', args.worker,
               'fp_owner', args.worker, 'fp_attempt', attempt, 'fp_queue', queue,
               'fp_started_at', text(time), 'fp_ended_at', '', 'fp_error', '')
    redis.call('HSET', held_key(args.worker), id, attempt)
    begin_execution(id, queue, args.worker, attempt, time, record[3])
    note_start(limits, record[3], id, attempt, time)
    redis.call('DEL', progress_key(id))
    table.insert(claimed, {id, attempt, record[3], record[4], record[5], record[6], record[7],
                           record[8], record[13]})
end

-- Starts a queued job of ours, if there is room, or cancels one that is too old; returns whether it did.
local function try_to_start(queue, id, record)
    -- It has ended before (a job that we queue has no owner), and RQ's own tools queued it again.
    if (record[9] or '') ~= '' or (record[11] or '') ~= '' then
        clear_expiry(id, queue)
        redis.call('HSET', job_key(id), 'fp_ended_at', '', 'fp_owner', '', 'fp_error', '')
        record[5] = '0'
    end
    local start_by = record[10] and tonumber(record[10])
    if start_by and start_by <= time then
        table.insert(expired, expire(id, time))
    elseif room.take(record[3]) then
        if record[12] then unpark(id) end
        start(queue, id, record)
    else
        return false
    end
    return true
end

local function claim_head(queue, job)
    local id = string.sub(job, #namespace + 3)
    local record = record_of(job)
    local is_ours = record[3] and job == rq_id(id)
    -- RQ's own tools have put a parked job into the list.
    if is_ours and record[12] then unpark(id) end
    if record[1] == 'queued' and not is_ours then
        refuse(queue, job)
    elseif record[1] == 'queued' and not try_to_start(queue, id, record) then
        park(id, queue, record[3])
        parked = parked + 1
    end
    redis.call('LPOP', queue_key(queue))
end

-- Claims the first of the parked `heads`, or finds that its pipeline has no room.
local function claim_parked(queue, heads)
    local head = table.remove(heads, 1)
    local record = record_of(rq_id(head.id))
    if record[1] ~= 'queued' or record[12] ~= head.member then
        -- RQ's own tools have taken it away.
        drop_parked(queue, head)
    elseif not try_to_start(queue, head.id, record) then
        return
    end
    local following = first_parked(queue, head.pipeline)
    if not following then return end
    local position = 1
    while heads[position] and is_before(heads[position].place, following.place) do
        position = position + 1
    end
    table.insert(heads, position, following)
end

for _, queue in ipairs(queues) do
    local heads = parked_heads(queue)
    while #claimed < args.count and #expired < args.expire_limit and parked < PARKED_PER_CLAIM do
        local job, head = redis.call('LINDEX', queue_key(queue), 0), heads[1]
        if not (job or head) then break end
        -- What RQ's own tools have queued has no place: it comes when it is the first.
        local place = head and job and place_of(job)
        if head and (not job or (place and is_before(head.place, place))) then
            claim_parked(queue, heads)
        else
            claim_head(queue, job)
        end
    end
end
return {claimed, expired}
