-- Forgets rows of ledgers whose history has ended.
for _, id in ipairs(given.ids) do
    local ledger, order = own .. 'fire:' .. id, own .. 'fires:' .. id
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', order, '-inf', text(given.before))) do
        redis.call('ZREM', order, old)
        redis.call('HDEL', ledger, old)
    end
end
return 1
