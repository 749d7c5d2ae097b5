-- Seconds until a job in the queues is due; nothing if none waits. Reads queues, scheduled, blocked_keys,
-- blocked and active.
if has_room() then return '0' end
local soonest
local time = now()
for _, queue in ipairs(not_paused(args.queues)) do
    if redis.call('LLEN', queue_key(queue)) > 0 then return '0' end
    local first = redis.call('ZRANGE', registry('scheduled', queue), 0, 0, 'WITHSCORES')[2]
    if first and (not soonest or tonumber(first) < soonest) then soonest = tonumber(first) end
end
return soonest and text(math.max(0, soonest - time))
