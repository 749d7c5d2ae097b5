-- Seconds until a schedule is due, 0 if one was dealt with so far ahead that the clock was set back;
-- nothing without one.
local time = now()
-- Schedulers alone ask; now and then it is written down that one has.
if redis.call('TTL', own .. 'watched') < 30 then
    redis.call('SET', own .. 'watched', text(time), 'EX', 60)
end
local last = redis.call('ZREVRANGE', own .. 'dealt_with', 0, 0, 'WITHSCORES')[2]
if last and tonumber(last) > time + given.set_back then return '0' end
local first = redis.call('ZRANGE', own .. 'due', 0, 0, 'WITHSCORES')[2]
return first and text(math.max(0, tonumber(first) - time))
