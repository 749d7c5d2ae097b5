-- Deletes rows of the ledgers of the schedules `ids` that were recorded before `before`. Touches fire,
-- fires, spans, backfills, recorded and ended.
for _, id in ipairs(args.ids) do
    local recorded = own .. 'recorded:' .. id
    delete_fires(id, redis.call('ZRANGEBYSCORE', recorded, '-inf', text(args.before)))
    -- Earlier versions did not keep when a row was recorded.
    local old = redis.call('ZRANGEBYSCORE', own .. 'fires:' .. id, '-inf', text(args.before),
                           'LIMIT', 0, 1000)
    for _, time in ipairs(old) do
        if not redis.call('ZSCORE', recorded, time) then delete_fires(id, {time}) end
    end
end
return 1
