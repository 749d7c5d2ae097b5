-- The id of the schedule that is just so; nothing if there is none.
return redis.call('HGET', own .. 'same', digest(given.pipeline, given.definition))
