-- What the places of each limit are taken by: its name, the ids of the jobs of its pipelines that run, those
-- that have run the longest first, how many starts count, in how many seconds one more may start, and how many
-- of its jobs are parked. Reads running, starts, parked, queues, and times of jobs.
local time, answers, queues = now(), {}, known_queues()
for name, limit in pairs(given_limits().by_name) do
    local running, parked = {}, 0
    for _, pipeline in ipairs(limit.pipelines) do
        for _, member in ipairs(redis.call('ZRANGEBYLEX', own .. 'running', members_of(pipeline))) do
            local id = string.sub(member, #pipeline + 2)
            table.insert(running, {id, tonumber(fields(job_key(id), 'fp_started_at')[1] or '') or 0})
        end
        for queue in pairs(queues) do
            parked = parked + redis.call('ZLEXCOUNT', parked_key(queue), members_of(pipeline))
        end
    end
    local is_rate = limit.starts ~= nil
    table.insert(answers, {
        name, ids_in_order(running), is_rate and count_starts(name, limit.seconds, time) or 0,
        text(is_rate and seconds_until_start(name, limit, time) or 0), parked,
    })
end
return answers
