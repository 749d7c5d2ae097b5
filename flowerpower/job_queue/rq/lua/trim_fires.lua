-- Deletes rows of the ledgers of the schedules `ids` from before `before`. Touches fire and fires.
for _, id in ipairs(args.ids) do
    delete_fires(id, redis.call('ZRANGEBYSCORE', own .. 'fires:' .. id, '-inf', text(args.before)))
end
return 1
