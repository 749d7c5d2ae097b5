-- Forgets records whose history has ended, or of the given ids those that have ended: how many.
begin()
local gone = 0
local ids = given.ids or redis.call('ZRANGEBYSCORE', own .. 'expiry', '-inf', text(now()),
                                    'LIMIT', 0, 500)
local lives = {scheduled = true, queued = true, started = true}
for _, id in ipairs(ids) do
    local status = fields(job_key(id), 'status')[1]
    if not given.ids or (status and not lives[status]) then
        forget(id)
        gone = gone + 1
    elseif not status then
        forget(id)
    end
end
return gone
