-- Seconds until a schedule is due, 0 if the clock was set back since one was processed; nothing
-- without schedules. Reads due and dealt_with, writes watched.
local time = now()
-- Only schedulers ask this, so it shows that there is one; one write in 30 seconds is enough.
if redis.call('TTL', own .. 'watched') < 30 then
    redis.call('SET', own .. 'watched', text(time), 'EX', 60)
end
local last = redis.call('ZREVRANGE', own .. 'dealt_with', 0, 0, 'WITHSCORES')[2]
if last and tonumber(last) > time + args.clock_rewound then return '0' end
local first = redis.call('ZRANGE', own .. 'due', 0, 0, 'WITHSCORES')[2]
return first and text(math.max(0, tonumber(first) - time))
