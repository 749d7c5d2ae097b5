-- Makes a worker known.
begin()
redis.call('HSET', own .. 'workers', given.worker, given.info)
redis.call('HSET', own .. 'beats', given.worker, 1)
redis.call('HSET', own .. 'beat_at', given.worker, text(now()))
return 1
