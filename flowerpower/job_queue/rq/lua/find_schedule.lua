-- The id of the schedule with that pipeline and definition; nothing if there is none. Reads same.
return redis.call('HGET', own .. 'same', digest(args.pipeline, args.definition))
