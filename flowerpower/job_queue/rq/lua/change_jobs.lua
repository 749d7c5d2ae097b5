-- Cancels, retries or deletes jobs (`verb`), each if its raw status is still `seen`, and its attempt
-- `seen_attempt`, if that is given. `attempts` are those that its record is to keep, if it has not all
-- of them. Returns each job as it is then, nothing if its status has changed, and of a unique one that is
-- not tried again the id alone of the job because of which. Touches all keys of the jobs, their queues and
-- children.
local function change(seen)
    local id = seen.id
    local key = job_key(id)
    local job = fields(key, 'status', 'fp_queue', 'fp_token', 'fp_attempt')
    -- With this token this same call was made before, and its answer was lost.
    if job[3] == args.token then return read_job(id) end
    -- Deleted meanwhile, by this same call whose answer was lost, or by another.
    if args.verb == 'delete' and not job_exists(id) then return read_job(id) end
    if (job[1] or '') ~= seen.seen then return false end
    if seen.seen_attempt and count_of(job[4]) ~= seen.seen_attempt then return false end
    local holder = args.verb == 'retry' and unique_holder(fields(key, 'fp_unique_key')[1] or '', id)
    if holder then return {holder} end
    check_writable()
    local time, queue = now(), job[2]
    if args.verb == 'delete' then
        delete_job(id)
    elseif args.verb == 'cancel' then
        cancel_job(id, time)
    else
        unpark(id)
        clear_expiry(id, queue)
        redis.call('DEL', progress_key(id))
        redis.call('HSET', key, 'fp_error', '', 'fp_run_at', text(time), 'fp_token', args.token)
        if seen.attempts then redis.call('HSET', key, 'fp_attempts', seen.attempts) end
        if count_of(fields(key, 'fp_max_parallel')[1]) > 0 then
            -- One that had to wait for others waits for them again.
            redis.call('HSET', key, 'fp_ended_at', '', 'ended_at', '', 'worker_name', '')
            block(id, queue, fields(key, 'fp_created_at')[1] or text(time))
        else
            enqueue(id, queue, time)
        end
    end
    return read_job(id)
end

local answers = {}
for number, job in ipairs(args.jobs) do answers[number] = change(job) end
return answers
