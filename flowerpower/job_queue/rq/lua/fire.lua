-- Writes decisions: for each schedule that has not changed since it was read, the rows of its
-- ledger, its jobs and its next fire. Returns for each of its fires whether it is new.
-- Touches schedule, due, dealt_with, same, fire, fires, and all keys of the jobs.
check_writable()

-- Whether a row of the ledger has made a job; earlier versions called that 'made'.
local function is_enqueued(row)
    return row and (string.find(row, '"outcome": "enqueued"', 1, true)
                    or string.find(row, '"outcome": "made"', 1, true))
end

local time = now()
local answers = {}
for position, decision in ipairs(args.decisions) do
    local answer, id = {}, decision.id
    local revision = fields(schedule_key(id), 'revision')[1]
    if revision == decision.seen and count_active(id) == decision.active then
        local ledger, order = own .. 'fire:' .. id, own .. 'fires:' .. id
        for number, fire in ipairs(decision.fires) do
            local is_new = not is_enqueued(redis.call('HGET', ledger, fire.time))
            if is_new then
                redis.call('HSET', ledger, fire.time, fire.row)
                redis.call('ZADD', order, fire.time, fire.time)
                if fire.job then
                    is_new = not job_exists(fire.job.id)
                    if is_new then insert(fire.job, time) end
                end
            end
            answer[number] = is_new and 1 or 0
        end
        local excess = redis.call('ZCARD', order) - args.kept
        if excess > 0 then delete_fires(id, redis.call('ZRANGE', order, 0, excess - 1)) end
        if decision.moved.state == 'done' then unindex(id) end
        move(id, decision.moved)
    end
    answers[position] = answer
end
return answers
