-- The ids of the jobs that run, and of those that were added or have ended since `args.since`: of each
-- kind up to `args.limit`, the latest first. Then the time. Ended jobs are found by when their records
-- expire. Reads jobs, expiry, queues and their registries.
local ids = {}
local function add(found)
    for _, id in ipairs(found) do table.insert(ids, id) end
end
for name in pairs(known_queues()) do add(running_ids(name)) end
for key, since in pairs({jobs = args.since, expiry = args.since + args.history_ttl}) do
    add(redis.call('ZREVRANGEBYSCORE', own .. key, '+inf', text(since), 'LIMIT', 0, args.limit))
end
return {ids, text(now())}
