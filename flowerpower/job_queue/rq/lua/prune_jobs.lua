-- Deletes up to 500 expired records, or of the jobs `ids` those that have ended. Returns how many.
-- Touches expiry and all keys of these jobs.
check_writable()
local count = 0
local ids = args.ids or redis.call('ZRANGEBYSCORE', own .. 'expiry', '-inf', text(now()),
                                   'LIMIT', 0, 500)
for _, id in ipairs(ids) do
    local job = fields(job_key(id), 'status', 'fp_queue')
    local status = job[1]
    if not args.ids and is_live(status) then
        -- RQ's own tools queued it again.
        clear_expiry(id, job[2])
    elseif not args.ids or (status and not is_live(status)) then
        delete_job(id)
        count = count + 1
    elseif not status then
        delete_job(id)
    end
end
return count
