-- Cancels, retries or deletes a job (`verb`) if its raw status is still `seen`. Returns the job as
-- it is then, nothing if the status has changed. Touches all keys of the job and its queue.
local id = args.id
local key = job_key(id)
local job = fields(key, 'status', 'fp_queue', 'fp_token')
-- With this token this same call was made before, and its answer was lost.
if job[3] == args.token then return read_job(id) end
-- Deleted meanwhile, by this same call whose answer was lost, or by another.
if args.verb == 'delete' and not job_exists(id) then return read_job(id) end
if (job[1] or '') ~= args.seen then return nil end
check_writable()
local time, queue = now(), job[2]
if args.verb == 'delete' then
    delete_job(id)
elseif args.verb == 'cancel' then
    cancel_job(id, time)
else
    clear_expiry(id, queue)
    redis.call('DEL', progress_key(id))
    redis.call('HSET', key, 'fp_error', '', 'fp_run_at', text(time), 'fp_token', args.token)
    if count_of(fields(key, 'fp_max_parallel')[1]) > 0 then
        -- One that had to wait for others waits for them again.
        redis.call('HSET', key, 'fp_ended_at', '', 'ended_at', '', 'worker_name', '')
        block(id, queue, fields(key, 'fp_created_at')[1] or text(time))
    else
        enqueue(id, queue, time)
    end
end
return read_job(id)
