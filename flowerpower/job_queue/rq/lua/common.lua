-- What every script begins with. ARGV: RQ's key prefix, the project's namespace, the time as RQ
-- writes it (for RQ's own tools only), and the arguments as JSON. Times are seconds since 1970 on
-- Redis's clock. Statuses are RQ's own words.
--
-- Keys of RQ's, with <job> = <namespace>--<id> and <queue> = <namespace>.<name>:
--   rq:queues  rq:queue:<queue>           the set of queues; a queue, in the order of `push`
--   rq:job:<job>                          hash: RQ's own fields and ours, which begin with fp_
--   rq:<registry>:<queue>                 sorted sets: scheduled, finished, failed, canceled, wip
--   and those of rq_tools.lua
-- Keys of ours, all below flowerpower:<namespace>:
--   jobs  expiry                          sorted sets of ids by creation, by the record's expiry
--   start_by                              sorted set of waiting jobs by when they become too old
--   progress:<id>                         JSON
--   result:<id>                           JSON, if a stock worker of RQ's (or an earlier version) ran it
--   log:<id>:<attempt>                    hash: first, last, size, and the pieces by number
--   workers  beats  beat_at               hashes by worker: what it is, its beat and when
--   held:<worker>                         hash: the attempt that it holds of each job
--   schedules  due                        sorted sets of ids by creation, by due time
--   dealt_with                            sorted set: active schedules by when last processed
--   schedule:<id>  same                   hash: its record; hash: digest of a definition to an id
--   fire:<id>                             the ledger: hash of rows by time
--   numbers  watched                      last numbers; that a scheduler looked
--   counts                                hash: writes
--   paused                                hash: since when a queue is paused
--   counters  counter_seconds  counter_waited   hashes: counts and sums by the key of a counter
--   failing                               hash: pipelines whose last job failed, and when
--   events  events_at                     hash: facts by the id of an event; its time
--   delivery:<id>                         hash: a notice on its way
--   deliveries                            sorted set of the ids of those that wait by creation
--   deliveries_at  deliveries_given_up    sorted sets of ids by when to send them; by when given up
--   delivery_lane:<lane>                  sorted set of ids that are sent in this order
--   migration                             hash: what moves to or from another queue (see migrate.lua)
-- and those of concurrency.lua, chains.lua and limits.lua

local rq, namespace, stamp = ARGV[1], ARGV[2], ARGV[3]
local args = cjson.decode(ARGV[4])
local own = 'flowerpower:' .. namespace .. ':'

local function text(number) return string.format('%.6f', number) end

local function now()
    local time = redis.call('TIME')
    return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function rq_id(id) return namespace .. '--' .. id end
local function job_key(id) return rq .. ':job:' .. rq_id(id) end
-- A record that has lost its queue belongs to the default one.
local function queue_name(queue) return namespace .. '.' .. (queue or 'default') end
local function queue_key(queue) return rq .. ':queue:' .. queue_name(queue) end
local function registry(kind, queue) return rq .. ':' .. kind .. ':' .. queue_name(queue) end
local function log_key(id, attempt) return own .. 'log:' .. id .. ':' .. attempt end
local function result_key(id) return own .. 'result:' .. id end
local function results_key(id) return rq .. ':results:' .. rq_id(id) end
local function progress_key(id) return own .. 'progress:' .. id end
local function held_key(worker) return own .. 'held:' .. worker end
local function active_key(schedule) return own .. 'active:' .. schedule end

-- RQ's words for how a job has ended, in ours.
local ENDS = {finished = 'finished', failed = 'failed', canceled = 'cancelled', stopped = 'cancelled'}

local function is_live(status)
    return status == 'scheduled' or status == 'queued' or status == 'started'
        or status == 'deferred'
end

-- Fields of a hash; none if the key is damaged beyond being a hash.
local function fields(key, ...)
    local values = redis.pcall('HMGET', key, ...)
    if values.err then return {} end
    return values
end

-- The same fields by their names; false for those that there are not.
local function named_fields(key, names)
    local values, found = fields(key, unpack(names)), {}
    for position, name in ipairs(names) do found[name] = values[position] or false end
    return found
end

-- Whether a job exists; a key of another type is not one.
local function job_exists(id) return redis.call('TYPE', job_key(id)).ok == 'hash' end

-- A count in a record; 0 for garbage and for impossibly large numbers.
local function count_of(value)
    return value and #value < 6 and string.match(value, '^%d+$') and tonumber(value) or 0
end

-- The first write of a script. Redis does not undo the writes of a script that fails: if Redis is
-- full or a replica, the script must fail here, before it has changed anything.
local function check_writable() redis.call('HINCRBY', own .. 'counts', 'writes', 1) end

-- In queue_order.lua, which follows.
local push, set_start_by, clear_start_by
-- By list: the place of its last entry, if that is a new job of this script. Of many that are added
-- at once, each need not look up the one before it.
local new_tails = {}

-- In concurrency.lua, which follows.
local set_concurrency, leave_concurrency, enter_concurrency, block, count_active, has_room
local release_blocked, cancel_job, replace_jobs, write_fires, delete_fires

-- In observing.lua and ending.lua, which follow.
local note_end, note_loss, add_event, add_to_counter, end_job, expire

-- In chains.lua, limits.lua and rq_tools.lua, which follow.
local wait_for_parents, is_waiting_for_parents, end_children, free_children, settle_parent
local wait_after_move, has_parent_here, leave_chain, unique_holder, hold_unique, release_unique
local unpark, note_running, note_not_running, note_gone
local add_result, begin_execution, end_execution, queue_of_execution, count_attempts, result_entry

-- Removes a job from all registries in which RQ may have put it.
local function leave_registries(id, queue)
    for _, kind in ipairs({'scheduled', 'finished', 'failed', 'canceled', 'deferred'}) do
        redis.call('ZREM', registry(kind, queue), rq_id(id))
    end
end

-- The queues that give jobs to workers.
local function not_paused(queues)
    local open = {}
    for _, queue in ipairs(queues) do
        if redis.call('HEXISTS', own .. 'paused', queue) == 0 then table.insert(open, queue) end
    end
    return open
end

local function each_log(id, attempts, act)
    for number = 1, count_of(attempts) do act(log_key(id, number)) end
end

-- An ended job is to run again: its record no longer expires, and its counts begin anew.
local function clear_expiry(id, queue)
    local job = fields(job_key(id), 'fp_attempt', 'fp_result_id')
    redis.call('HSET', job_key(id), 'fp_cancel', '0', 'fp_retries', '0', 'fp_worker_losses', '0',
               'fp_attempts_left', '', 'fp_result_expires_at', '', 'fp_result_id', '')
    leave_registries(id, queue)
    redis.call('ZREM', own .. 'expiry', id)
    redis.call('PERSIST', job_key(id))
    redis.call('DEL', result_key(id))
    if job[2] and job[2] ~= '' then redis.pcall('XDEL', results_key(id), job[2]) end
    redis.call('PERSIST', results_key(id))
    each_log(id, job[1], function(log) redis.call('PERSIST', log) end)
    enter_concurrency(id)
    hold_unique(id)
    free_children(id)
end

-- Puts a job back into its queue, where it waits from `time` on.
local function enqueue(id, queue, time)
    redis.call('HSET', job_key(id), 'status', 'queued', 'enqueued_at', stamp, 'fp_ended_at', '',
               'ended_at', '', 'fp_owner', '', 'worker_name', '')
    set_start_by(id, time)
    push(queue, id)
end

-- Whether that attempt is the one that runs: the fence of every write of a worker. `job` are these fields
-- of its record, if they are known.
local function is_held(id, owner, attempt, job)
    job = job or named_fields(job_key(id), {'status', 'fp_owner', 'fp_attempt', 'fp_queue'})
    if job.fp_owner ~= owner or tonumber(job.fp_attempt) ~= attempt then return false end
    if job.status == 'finished' or job.status == 'failed' then
        -- No script of ours ends a job and leaves it its owner. RQ's own worker was given the id
        -- too (somebody pushed it again), was refused by our entry point, and wrote that over it.
        local key = job_key(id)
        redis.call('HSET', key, 'status', 'started', 'worker_name', owner, 'ended_at', '')
        job.status, job.worker_name = 'started', owner
        redis.call('PERSIST', key)
        leave_registries(id, job.fp_queue)
        return true
    end
    return job.status == 'started'
end

-- Returns the pipeline of which the job was running.
local function drop_claim(id, queue, owner, attempt)
    redis.call('HDEL', held_key(owner), id)
    return end_execution(id, queue, owner, attempt)
end

-- Appends to the log of an attempt; of more than `limit` bytes the end is kept, by whole pieces.
local function append_log(id, attempt, pieces, limit)
    local log = log_key(id, attempt)
    for _, piece in ipairs(pieces) do
        local last = redis.call('HINCRBY', log, 'last', 1)
        redis.call('HSET', log, last, piece)
        local size = redis.call('HINCRBY', log, 'size', #piece)
        while size > limit do
            local first = redis.call('HINCRBY', log, 'first', 1)
            size = redis.call('HINCRBY', log, 'size', -redis.call('HSTRLEN', log, first))
            redis.call('HDEL', log, first)
        end
    end
end

-- Requeues a job whose attempt did not end; with `error` its worker was lost, and that is counted.
-- Returns 0 if it is not held, or else 1 and what it is then.
local function requeue(id, owner, attempt, time, error)
    if not is_held(id, owner, attempt) then return 0 end
    local key = job_key(id)
    -- fp_losses: what earlier versions called it.
    local job = fields(key, 'fp_queue', 'fp_cancel', 'fp_worker_losses', 'fp_losses')
    local queue, worker_losses = job[1], tonumber(job[3] or job[4]) or 0
    drop_claim(id, queue, owner, attempt)
    if error then
        worker_losses = worker_losses + 1
        redis.call('HSET', key, 'fp_worker_losses', worker_losses)
    end
    if job[2] == '1' then
        end_job(id, queue, 'canceled', time, args.history_ttl)
        return 1, 'canceled'
    end
    if error and worker_losses >= MAX_WORKER_LOSSES then
        redis.call('HSET', key, 'fp_error', error)
        end_job(id, queue, 'failed', time, args.history_ttl,
                {owner = owner, attempt = attempt, exc_string = args.exc_string})
        return 1, 'failed'
    end
    enqueue(id, queue, time)
    if error then note_loss(id, attempt, time) end
    return 1, 'queued'
end

-- A running job whose record and whose holder disagree has a damaged record: its holder is right.
local function repair(id, owner, attempt)
    local job = fields(job_key(id), 'status', 'fp_owner', 'fp_attempt')
    local held = job[2] and redis.call('HGET', held_key(job[2]), id)
    if job[1] == 'started' and not (held and held == job[3]) then
        redis.call('HSET', job_key(id), 'fp_owner', owner, 'fp_attempt', attempt)
    end
end

-- Deletes all keys and entries of a job. If `is_moved`, it goes on in another queue, and has left
-- RQ's list already.
local function delete_job(id, is_moved)
    local job = fields(job_key(id), 'fp_queue', 'fp_attempt', 'fp_owner', 'fp_pipeline',
                       'fp_unique_key')
    local queue = job[1]
    new_tails = {}
    leave_chain(id, is_moved)
    unpark(id)
    release_unique(id, job[5])
    note_not_running(id, job[4])
    if queue then
        leave_registries(id, queue)
        if not is_moved then redis.call('LREM', queue_key(queue), 0, rq_id(id)) end
        if job[3] and job[3] ~= '' then drop_claim(id, queue, job[3], job[2]) end
    end
    leave_concurrency(id)
    each_log(id, job[2], function(log) redis.call('DEL', log) end)
    redis.call('DEL', job_key(id), result_key(id), progress_key(id), results_key(id))
    redis.call('ZREM', own .. 'jobs', id)
    redis.call('ZREM', own .. 'expiry', id)
    redis.call('ZREM', own .. 'start_by', id)
end

-- The fields of a job's hash, its result if it has a key of its own, its progress, the time, and
-- the entry of RQ's stream that belongs to it. No fields: no such job.
local function read_job(id)
    local function content(key)
        local value = redis.pcall('GET', key)
        return type(value) == 'table' and '' or value
    end
    local exists = job_exists(id)
    return {exists and redis.call('HGETALL', job_key(id)) or {}, content(result_key(id)),
            content(progress_key(id)), text(now()), exists and result_entry(id) or {}}
end

-- Schedules

local function schedule_key(id) return own .. 'schedule:' .. id end
local function digest(pipeline, definition)
    return redis.sha1hex(pipeline .. '\n' .. definition)
end

-- Writes the changed fields of a schedule, and its place in the sets that schedulers search.
local function move(id, moved)
    redis.call('HSET', schedule_key(id), unpack(moved.fields))
    if moved.due_at then
        redis.call('ZADD', own .. 'due', text(moved.due_at), id)
    else
        redis.call('ZREM', own .. 'due', id)
    end
    if moved.state == 'active' then
        redis.call('ZADD', own .. 'dealt_with', text(moved.last_processed_at), id)
    else
        redis.call('ZREM', own .. 'dealt_with', id)
    end
end

-- A schedule is no longer found by its definition.
local function unindex(id)
    local schedule = fields(schedule_key(id), 'pipeline', 'definition')
    if schedule[1] and schedule[2] then
        local name = digest(schedule[1], schedule[2])
        if redis.call('HGET', own .. 'same', name) == id then
            redis.call('HDEL', own .. 'same', name)
        end
    end
end

