-- The time, and schedules that are to be looked at now, each with its fields and its active jobs.
local time = now()
local later = '(' .. text(time + given.set_back)
local ids = redis.call('ZRANGEBYSCORE', own .. 'dealt_with', later, '+inf', 'LIMIT', 0, given.limit)
if #ids == 0 then
    ids = redis.call('ZRANGEBYSCORE', own .. 'due', '-inf', text(time), 'LIMIT', 0, given.limit)
end
local found = {text(time)}
for _, id in ipairs(ids) do
    local hash = redis.pcall('HGETALL', schedule_key(id))
    if hash.err or #hash == 0 then
        redis.call('ZREM', own .. 'due', id)
        redis.call('ZREM', own .. 'dealt_with', id)
    else
        table.insert(found, {id, hash, count_active(id)})
    end
end
return found
