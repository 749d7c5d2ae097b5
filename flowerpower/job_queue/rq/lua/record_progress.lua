-- Appends to the log of an attempt and replaces its progress. Returns whether it was held. Touches
-- log, progress, and fp_token and last_heartbeat of the job.
if not is_held(args.id, args.owner, args.attempt) then return 0 end
check_writable()
-- With this token this same call was made before, and its answer was lost.
if fields(job_key(args.id), 'fp_token')[1] == args.token then return 1 end
-- With more pieces than its sender knows of, an earlier call of the same was, and its answer was lost.
local stored = count_of(redis.call('HGET', log_key(args.id, args.attempt), 'last'))
if args.pieces and stored > args.pieces then return 1 end
redis.call('HSET', job_key(args.id), 'fp_token', args.token, 'last_heartbeat', stamp)
if args.progress then redis.call('SET', progress_key(args.id), args.progress) end
append_log(args.id, args.attempt, args.log, LOG_LIMIT)
return 1
