-- What became of a delivery, by `args.verb`: delivered (it is deleted), postpone (it is due again in
-- `args.seconds`) or give_up. Returns whether it was still this sender's: the number of its attempt says so.
-- Touches deliveries, deliveries_at, deliveries_given_up, delivery:<id> and delivery_lane:<lane>.
check_writable()
local time, id = now(), args.id
local key = own .. 'delivery:' .. id
local delivery = fields(key, 'attempts', 'lane')
local lane = delivery[2] or ''

local function leave()
    redis.call('ZREM', own .. 'deliveries', id)
    redis.call('ZREM', own .. 'deliveries_at', id)
    if lane ~= '' then redis.call('ZREM', own .. 'delivery_lane:' .. lane, id) end
end

if args.verb == 'delivered' then
    leave()
    redis.call('ZREM', own .. 'deliveries_given_up', id)
    return redis.call('DEL', key)
end
if tonumber(delivery[1] or '') ~= args.attempts or not redis.call('ZSCORE', own .. 'deliveries_at', id) then
    return 0
end
redis.call('HSET', key, 'error', args.error)
if args.verb == 'postpone' then
    redis.call('ZADD', own .. 'deliveries_at', text(time + args.seconds), id)
else
    leave()
    redis.call('HSET', key, 'given_up_at', text(time))
    local given_up = own .. 'deliveries_given_up'
    -- Of those whose history is over only these entries are left.
    redis.call('ZREMRANGEBYSCORE', given_up, '-inf', text(time - args.history_ttl))
    redis.call('ZADD', given_up, text(time), id)
    redis.call('PEXPIREAT', key, math.ceil((time + args.history_ttl) * 1000))
end
return 1
