-- Registers a worker. Touches workers, beats, beat_at.
check_writable()
redis.call('HSET', own .. 'workers', args.worker, args.info)
redis.call('HSET', own .. 'beats', args.worker, 1)
redis.call('HSET', own .. 'beat_at', args.worker, text(now()))
return 1
