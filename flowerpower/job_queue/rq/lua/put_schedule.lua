-- Stores a schedule in the place of the revision that was seen (empty: of none), and if it was
-- looked for by what it is, of the one that was found then: whether that was still so.
local id = given.id
local before = fields(schedule_key(id), 'revision', 'token')
if before[2] == given.token then return 1 end
if (before[1] or '') ~= given.seen then return 0 end
local name = digest(given.pipeline, given.definition)
if given.same and (redis.call('HGET', own .. 'same', name) or '') ~= given.same then return 0 end
begin()
unname(id)
move(id, given.moved)
redis.call('HSET', schedule_key(id), 'token', given.token)
redis.call('ZADD', own .. 'schedules', 'NX', text(given.created_at), id)
if given.moved.is_live then redis.call('HSET', own .. 'same', name, id) end
return 1
