-- Cancels up to `expire_limit` waiting jobs that are too old, in all queues; see `expire`. And it queues
-- blocked jobs that are due. Touches blocked, blocked_keys, active, start_by, expiry, their queues and registries, and status, times and error of the jobs.
local time = now()
-- RQ's own workers do not: they claim nothing through us.
if has_room() then
    check_writable()
    release_blocked(time)
end
local ids = redis.call('ZRANGEBYSCORE', own .. 'start_by', '-inf', text(time),
                       'LIMIT', 0, args.expire_limit)
if #ids == 0 then return {} end
check_writable()
local expired = {}
for _, id in ipairs(ids) do
    local job = fields(job_key(id), 'status', 'fp_queue')
    if job[1] == 'queued' or job[1] == 'scheduled' then
        redis.call('LREM', queue_key(job[2]), 1, rq_id(id))
        redis.call('ZREM', registry('scheduled', job[2]), rq_id(id))
        table.insert(expired, expire(id, time))
    else
        -- RQ's own tools have taken it away.
        redis.call('ZREM', own .. 'start_by', id)
    end
end
return expired
