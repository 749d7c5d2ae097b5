-- One more beat: whether the worker is known, and what it held before.
if redis.call('HEXISTS', own .. 'workers', given.worker) == 0 then return {0} end
local held = redis.call('HGETALL', held_key(given.worker))
redis.call('HINCRBY', own .. 'beats', given.worker, 1)
redis.call('HSET', own .. 'beat_at', given.worker, text(now()))
local answer = {1}
for position = 1, #held, 2 do
    local id, attempt = held[position], tonumber(held[position + 1])
    if not is_held(id, given.worker, attempt) then mend(id, given.worker, attempt) end
    if is_held(id, given.worker, attempt) then
        table.insert(answer, {id, attempt, fields(job_key(id), 'fp_cancel')[1] or '0'})
    else
        -- RQ's own tools took it away.
        redis.call('HDEL', held_key(given.worker), id)
    end
end
return answer
