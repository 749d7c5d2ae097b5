-- Deals with fires: for each schedule that is still as it was seen, its jobs, its ledger and its
-- next fire; for each of its fires whether it is new.
begin()
local time = now()
local answers = {}
for position, each in ipairs(given.decided) do
    local answer = {}
    local seen = fields(schedule_key(each.id), 'revision')[1]
    if seen == each.seen and count_active(each.id) == each.active then
        local ledger, order = own .. 'fire:' .. each.id, own .. 'fires:' .. each.id
        for number, fire in ipairs(each.fires) do
            local before = redis.call('HGET', ledger, fire.time)
            local is_new = not (before and string.find(before, '"outcome": "enqueued"', 1, true))
            if is_new then
                redis.call('HSET', ledger, fire.time, fire.row)
                redis.call('ZADD', order, fire.time, fire.time)
                if fire.job then
                    is_new = not is_there(fire.job.id)
                    if is_new then insert(fire.job, time) end
                end
            end
            answer[number] = is_new and 1 or 0
        end
        local over = redis.call('ZCARD', order) - given.kept
        for _, old in ipairs(over > 0 and redis.call('ZRANGE', order, 0, over - 1) or {}) do
            redis.call('ZREM', order, old)
            redis.call('HDEL', ledger, old)
        end
        if each.moved.is_done then unname(each.id) end
        move(each.id, each.moved)
    end
    answers[position] = answer
end
return answers
