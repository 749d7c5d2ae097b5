-- Removes a worker, with `beat` only if that is still its beat; requeues its jobs as lost. Returns
-- how many of them are queued, failed and cancelled then. Touches workers, beats, beat_at, held, and its jobs.
if redis.call('HEXISTS', own .. 'workers', args.worker) == 0 then return {0, 0, 0} end
if args.beat and redis.call('HGET', own .. 'beats', args.worker) ~= tostring(args.beat) then
    return {0, 0, 0}
end
check_writable()
for _, name in ipairs({'workers', 'beats', 'beat_at'}) do
    redis.call('HDEL', own .. name, args.worker)
end
local counts = {queued = 0, failed = 0, canceled = 0}
local time, held = now(), held_key(args.worker)
for _, id in ipairs(redis.call('HKEYS', held)) do
    local attempt = tonumber(redis.call('HGET', held, id))
    repair(id, args.worker, attempt)
    local requeued, status = requeue(id, args.worker, attempt, time, args.error)
    if requeued == 1 then
        counts[status] = counts[status] + 1
    else
        -- RQ's own tools took the job away.
        local queue = queue_of_execution(id, args.worker, attempt)
        end_execution(id, queue, args.worker, attempt)
    end
end
redis.call('DEL', held)
return {counts.queued, counts.failed, counts.canceled}
