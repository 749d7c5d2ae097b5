-- A job, with its result and progress; no fields if it does not exist. Reads job, result, progress.
return read_job(args.id)
