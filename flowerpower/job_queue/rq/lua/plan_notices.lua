-- Replaces the events with the ids `args.events` by deliveries, if all of them are still there. Returns
-- whether they were. Touches events, events_at, deliveries, deliveries_at, delivery:<id> and
-- delivery_lane:<lane>.
check_writable()
local time = now()
for _, id in ipairs(args.events) do
    if redis.call('HEXISTS', own .. 'events', id) == 0 then return 0 end
end
for _, id in ipairs(args.events) do
    redis.call('HDEL', own .. 'events', id)
    redis.call('ZREM', own .. 'events_at', id)
end
for position, delivery in ipairs(args.deliveries) do
    local key, lane = own .. 'delivery:' .. delivery.id, delivery.lane or ''
    if redis.call('EXISTS', key) == 0 then
        -- Those of one call keep their order in a lane.
        local created_at = text(time + position * 1e-6)
        redis.call('HSET', key, 'target', delivery.target, 'lane', lane, 'body', delivery.body,
                   'created_at', created_at, 'attempts', 0)
        redis.call('ZADD', own .. 'deliveries', created_at, delivery.id)
        redis.call('ZADD', own .. 'deliveries_at', text(time), delivery.id)
        if lane ~= '' then
            redis.call('ZADD', own .. 'delivery_lane:' .. lane, created_at, delivery.id)
        end
    end
end
return 1
