-- Cancels, queues again or deletes a job whose status is still the one that was seen: whether it
-- was. `seen` is the raw status.
local id = given.id
local key = job_key(id)
local found = fields(key, 'status', 'fp_queue', 'fp_attempt', 'fp_schedule_id', 'fp_token')
if given.token and found[5] == given.token then return 1 end
if found[1] ~= given.seen then return 0 end
begin()
local time, queue = now(), found[2]
if given.verb == 'delete' then
    forget(id)
elseif given.verb == 'cancel' then
    redis.call('HSET', key, 'fp_cancel', '1')
    if found[1] ~= 'started' then
        redis.call('LREM', queue_key(queue), 0, rq_id(id))
        redis.call('ZREM', registry('scheduled', queue), rq_id(id))
        end_job(id, queue, 'cancelled', time, given.history_ttl)
    end
else
    unlist(id, queue)
    redis.call('ZREM', own .. 'expiry', id)
    redis.call('PERSIST', key)
    each_log(id, found[3], function(log) redis.call('PERSIST', log) end)
    redis.call('DEL', result_key(id), progress_key(id))
    redis.call('HSET', key, 'fp_cancel', '0', 'fp_retries', '0', 'fp_losses', '0',
               'fp_attempts_left', '', 'fp_result_expires_at', '', 'fp_error', '',
               'fp_run_at', text(time), 'fp_token', given.token)
    if found[4] and found[4] ~= '' then redis.call('SADD', active_key(found[4]), id) end
    queue_again(id, queue, time)
end
return 1
