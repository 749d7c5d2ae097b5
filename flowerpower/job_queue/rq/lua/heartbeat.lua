-- Records one more beat. Returns whether the worker is registered, and the jobs that it held before.
-- Touches beats, beat_at, held, RQ's executions, and status and owner of a damaged job.
if redis.call('HEXISTS', own .. 'workers', args.worker) == 0 then return {0} end
local held = redis.call('HGETALL', held_key(args.worker))
redis.call('HINCRBY', own .. 'beats', args.worker, 1)
redis.call('HSET', own .. 'beat_at', args.worker, text(now()))
local answer = {1}
for position = 1, #held, 2 do
    local id, attempt = held[position], tonumber(held[position + 1])
    if not is_held(id, args.worker, attempt) then repair(id, args.worker, attempt) end
    if is_held(id, args.worker, attempt) then
        table.insert(answer, {id, attempt, fields(job_key(id), 'fp_cancel')[1] or '0'})
    else
        -- RQ's own tools took the job away.
        local queue = queue_of_execution(id, args.worker, attempt)
        drop_claim(id, queue, args.worker, attempt)
    end
end
return answer
