-- Stores a schedule if that with its id still has the revision `seen` (empty: does not exist), and,
-- if it was searched by definition, the search still gives `same`. Returns whether it was stored;
-- where to, if it `adds` to a queue that was moved away. Touches schedule, schedules, due, dealt_with,
-- same, migration.
local id = args.id
local existing = fields(schedule_key(id), 'revision', 'token')
-- With this token this same call stored it before, and its answer was lost.
if existing[2] == args.token then return 1 end
local closed = args.adds and redis.call('HGET', own .. 'migration', 'closed')
if closed then return closed end
if (existing[1] or '') ~= args.seen then return 0 end
local name = digest(args.pipeline, args.definition)
if args.same and (redis.call('HGET', own .. 'same', name) or '') ~= args.same then return 0 end
check_writable()
unindex(id)
move(id, args.moved)
redis.call('HSET', schedule_key(id), 'token', args.token)
redis.call('ZADD', own .. 'schedules', 'NX', text(args.created_at), id)
if args.moved.state ~= 'done' then redis.call('HSET', own .. 'same', name, id) end
return 1
