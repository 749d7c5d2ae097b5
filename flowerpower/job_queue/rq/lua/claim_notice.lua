-- Takes the delivery that is due first: whose target is not among `args.busy`, and that has no earlier one
-- in its lane. Nobody else gets it for `args.lease` seconds. Returns its id, its fields and until when, or
-- nothing. Touches deliveries_at and delivery:<id>; reads delivery_lane:<lane>.
local time, page, from = now(), 200, 0
local busy = {}
for _, target in ipairs(args.busy) do busy[target] = true end

local function is_next(id, key)
    local delivery = fields(key, 'target', 'lane')
    if not delivery[1] or busy[delivery[1]] then return false end
    local lane = delivery[2] or ''
    return lane == '' or redis.call('ZRANGE', own .. 'delivery_lane:' .. lane, 0, 0)[1] == id
end

while true do
    local due = redis.call('ZRANGEBYSCORE', own .. 'deliveries_at', '-inf', text(time), 'LIMIT', from, page)
    for _, id in ipairs(due) do
        local key = own .. 'delivery:' .. id
        if is_next(id, key) then
            check_writable()
            local until_time = text(time + args.lease)
            redis.call('HINCRBY', key, 'attempts', 1)
            redis.call('ZADD', own .. 'deliveries_at', until_time, id)
            return {id, redis.call('HGETALL', key), until_time}
        end
    end
    if #due < page then return nil end
    from = from + page
end
