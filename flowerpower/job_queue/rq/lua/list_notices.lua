-- Up to `args.limit` deliveries: those that wait, the oldest first, or with `args.given_up` those that were
-- given up, the last one first. Of each its id, its fields and when it is to be sent. Touches
-- deliveries_given_up, and reads deliveries_at and delivery:<id>.
local time = now()
local set, ids = own .. 'deliveries_at', nil
if args.given_up then
    set = own .. 'deliveries_given_up'
    ids = redis.call('ZREVRANGEBYSCORE', set, '+inf', '(' .. text(time - args.history_ttl),
                     'LIMIT', 0, args.limit)
else
    ids = redis.call('ZRANGE', set, 0, -1)
end
local answers = {}
for _, id in ipairs(ids) do
    local flat = redis.call('HGETALL', own .. 'delivery:' .. id)
    if #flat > 0 then
        table.insert(answers, {id, flat, args.given_up and '' or redis.call('ZSCORE', set, id)})
    end
end
return answers
