-- Requeues a job whose attempt did not end, with `error` as lost. Returns whether it was held.
-- Touches all keys of the job, held, its queue and registries.
check_writable()
local held = requeue(args.id, args.owner, args.attempt, now(), args.error)
return held
