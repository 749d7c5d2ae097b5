-- Seconds until a job in the queues is due, and there is room for it; nothing if none waits. Reads queues,
-- scheduled, blocked_keys, blocked, active, parked, running and starts.
if has_room() then return '0' end
local soonest
local time, limits = now(), given_limits()
local room = room_at(time)

-- Seconds until a parked job could start, when there are places for it; nothing if there are none.
local function parked_due_in(pipeline)
    if room.take(pipeline) then return 0 end
    if not room.has_places(pipeline) then return nil end
    local longest = 0
    for _, name in ipairs(room.names(pipeline)) do
        local limit = limits.by_name[name]
        if limit.starts then longest = math.max(longest, seconds_until_start(name, limit, time)) end
    end
    return longest
end

for _, queue in ipairs(not_paused(args.queues)) do
    if redis.call('LLEN', queue_key(queue)) > 0 then return '0' end
    for _, head in ipairs(parked_heads(queue)) do
        local seconds = parked_due_in(head.pipeline)
        if seconds == 0 then return '0' end
        if seconds then soonest = math.min(soonest or math.huge, time + seconds) end
    end
    local first = redis.call('ZRANGE', registry('scheduled', queue), 0, 0, 'WITHSCORES')[2]
    if first and (not soonest or tonumber(first) < soonest) then soonest = tonumber(first) end
end
return soonest and text(math.max(0, soonest - time))
