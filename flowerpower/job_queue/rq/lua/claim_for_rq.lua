-- Claims a job that RQ's own worker has taken from its queue and runs. Returns 'claimed' with the
-- attempt and the fields of a claim; else why it must not run: 'foreign', 'held' by another worker,
-- 'cancelled', or 'gone' (it is no longer this worker's). Touches the job, progress, registries, parked and running.
local id, key = args.id, job_key(args.id)
local job = fields(key, 'fp_pipeline', 'fp_payload', 'fp_retries', 'fp_result_ttl',
                   'fp_scheduled_for', 'fp_attempts', 'status', 'worker_name', 'fp_owner',
                   'fp_attempt', 'fp_cancel', 'fp_ended_at', 'fp_queue', 'fp_after_parents')
local owner, ended_at, queue = job[9] or '', job[12] or '', job[13]
if not job[1] then return {'foreign'} end
local held = owner ~= '' and redis.call('HGET', held_key(owner), id)
if held and held == job[10] then return {'held', owner} end
if job[7] ~= 'started' or job[8] ~= args.worker then return {'gone'} end
check_writable()
if job[11] == '1' then
    -- Cancelled after RQ's worker had taken it from the queue; that worker has overwritten the end.
    redis.call('HSET', key, 'fp_error', args.error, 'fp_worker', args.worker)
    return {'cancelled'}
end
if ended_at ~= '' or owner ~= '' then clear_expiry(id, queue) end
local attempt = count_of(job[10]) + 1
redis.call('HSET', key, 'fp_owner', args.worker, 'fp_attempt', attempt, 'fp_started_at',
           text(now()), 'fp_ended_at', '', 'fp_error', '')
redis.call('DEL', progress_key(id))
-- Somebody may have pushed it to the queue while it waited for its parents, or for room.
unpark(id)
redis.call('ZREM', registry('deferred', queue), rq_id(id))
note_running(id, job[1])
return {'claimed', attempt, job[1], job[2], ended_at ~= '' and '0' or job[3], job[4], job[5], job[6],
        job[14]}
