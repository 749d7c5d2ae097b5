-- The time, and up to `limit` due schedules, each with its fields and its number of active jobs.
-- Reads due, dealt_with, schedule and active; removes what no longer exists from them.
local time = now()
-- After the clock was set back these are not due for long, so they come first.
local later = '(' .. text(time + args.clock_rewound)
local ids = redis.call('ZRANGEBYSCORE', own .. 'dealt_with', later, '+inf', 'LIMIT', 0, args.limit)
if #ids == 0 then
    ids = redis.call('ZRANGEBYSCORE', own .. 'due', '-inf', text(time), 'LIMIT', 0, args.limit)
end
local answer = {text(time)}
for _, id in ipairs(ids) do
    local hash = redis.pcall('HGETALL', schedule_key(id))
    if hash.err or #hash == 0 then
        redis.call('ZREM', own .. 'due', id)
        redis.call('ZREM', own .. 'dealt_with', id)
    else
        table.insert(answer, {id, hash, count_active(id)})
    end
end
return answer
