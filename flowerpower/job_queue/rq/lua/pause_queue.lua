-- Pauses the queue `name`, or with `resume` lets it give jobs again. Returns whether that is new; the
-- same call that is sent again gives the same answer. Touches paused.
check_writable()
local key, since = own .. 'paused', text(now()) .. ' ' .. args.token
if args.resume then
    if redis.call('HDEL', key, args.name) == 1 then return 1 end
    return 0
end
if redis.call('HSETNX', key, args.name, since) == 1 then return 1 end
return string.find(redis.call('HGET', key, args.name), args.token, 1, true) and 1 or 0
