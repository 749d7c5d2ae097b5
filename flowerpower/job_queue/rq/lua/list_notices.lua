-- Up to `args.limit` deliveries: those that wait, the oldest first, or with `args.given_up` those that were
-- given up, the last one first. Of each its id, its fields and when it is to be sent. Reads deliveries,
-- deliveries_at, deliveries_given_up and delivery:<id>.
local ids
if args.given_up then
    local since = '(' .. text(now() - args.history_ttl)
    ids = redis.call('ZREVRANGEBYSCORE', own .. 'deliveries_given_up', '+inf', since, 'LIMIT', 0, args.limit)
else
    ids = redis.call('ZRANGE', own .. 'deliveries', 0, args.limit - 1)
end
local answers = {}
for _, id in ipairs(ids) do
    local flat = redis.call('HGETALL', own .. 'delivery:' .. id)
    if #flat > 0 then
        table.insert(answers, {id, flat, redis.call('ZSCORE', own .. 'deliveries_at', id) or ''})
    end
end
return answers
