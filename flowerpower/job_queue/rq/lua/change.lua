-- Cancels, queues again or deletes a job whose status is still the one that was seen: the job as
-- it is then; nothing if it was not. `seen` is the raw status.
local id = given.id
local key = job_key(id)
local found = fields(key, 'status', 'fp_queue', 'fp_token')
if given.token and found[3] == given.token then return whole(id) end
-- Deleted meanwhile, by the same call whose answer was lost or by another.
if given.verb == 'delete' and not is_there(id) then return whole(id) end
if (found[1] or '') ~= given.seen then return nil end
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
    revive(id, queue)
    redis.call('DEL', result_key(id), progress_key(id))
    redis.call('HSET', key, 'fp_cancel', '0', 'fp_retries', '0', 'fp_worker_losses', '0',
               'fp_attempts_left', '', 'fp_result_expires_at', '', 'fp_error', '',
               'fp_run_at', text(time), 'fp_token', given.token)
    queue_again(id, queue, time)
end
return whole(id)
