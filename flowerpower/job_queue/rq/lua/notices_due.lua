-- How old the oldest event is, and in how many seconds a delivery is to be sent; empty where there is
-- none. Reads events_at and deliveries_at.
local time = now()
local function first_of(key) return tonumber(redis.call('ZRANGE', own .. key, 0, 0, 'WITHSCORES')[2] or '') end
local event, delivery = first_of('events_at'), first_of('deliveries_at')
return {event and text(math.max(0, time - event)) or '',
        delivery and text(math.max(0, delivery - time)) or ''}
