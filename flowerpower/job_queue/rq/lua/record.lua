-- Appends to the log of an attempt and replaces its progress: whether it was held.
if not is_held(given.id, given.owner, given.attempt) then return 0 end
begin()
if fields(job_key(given.id), 'fp_token')[1] == given.token then return 1 end
redis.call('HSET', job_key(given.id), 'fp_token', given.token, 'last_heartbeat', stamp)
if given.progress then redis.call('SET', progress_key(given.id), given.progress) end
append_log(given.id, given.attempt, given.log, given.log_limit)
return 1
