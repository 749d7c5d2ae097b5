-- Queries of jobs and logs, by name. Tables: flowerpower_jobs (all columns; `schema.sql` explains
-- them), flowerpower_logs; of flowerpower_fires job_status, and
-- flowerpower_outcomes. {returning_end} has what `note_ends` of ending.py needs of a job.
-- {queues} becomes one parameter per queue, {names} one row per queue, {live} the statuses that have not ended. {skip_locked} is
-- PostgreSQL's: without it users would wait for each other's rows, and could deadlock.

-- name: add_job
INSERT INTO flowerpower_jobs (
    namespace, id, pipeline, queue, payload, status, run_at, created_at, result_ttl,
    schedule_id, scheduled_for, priority, expires_after, start_by, concurrency_key, max_parallel,
    blocked, after_parents, unique_key
) VALUES (
    :namespace, :id, :pipeline, :queue, :payload, :status, :run_at, :created_at, :result_ttl,
    :schedule_id, :scheduled_for, :priority, :expires_after, :start_by, :concurrency_key,
    :max_parallel, :blocked, :after_parents, :unique_key
) ON CONFLICT DO NOTHING
RETURNING *

-- name: get_unique_job
-- The one that asks for this and has not ended.
SELECT * FROM flowerpower_jobs
WHERE namespace = :namespace AND unique_key = :unique_key AND unique_key IS NOT NULL
    AND status IN ({live})

-- name: stored_job
SELECT * FROM flowerpower_jobs WHERE namespace = :namespace AND id = :id

-- name: get_job
SELECT * FROM flowerpower_jobs
WHERE namespace = :namespace AND id = :id AND (expires_at IS NULL OR expires_at > :now)

-- name: has_job
SELECT id FROM flowerpower_jobs
WHERE namespace = :namespace AND id = :id AND (expires_at IS NULL OR expires_at > :now)

-- name: lock_named_jobs
-- In one order: two that lock some of the same jobs must not wait for each other.
SELECT id FROM flowerpower_jobs
WHERE namespace = :namespace AND id IN ({ids}) AND (expires_at IS NULL OR expires_at > :now)
ORDER BY id {for_update}

-- name: list_jobs
SELECT id, pipeline, queue, payload, status, run_at, created_at, result_ttl, schedule_id,
    scheduled_for, owner, attempt, attempts_left, worker_losses, cancel, started_at, ended_at,
    result_expires_at, error, progress, attempts, priority, expires_after, start_by,
    concurrency_key, max_parallel, blocked, after_parents, has_children, unique_key, NULL AS result
FROM flowerpower_jobs
WHERE namespace = :namespace AND (expires_at IS NULL OR expires_at > :now) {conditions}
ORDER BY {order} LIMIT :limit

-- name: children_of
SELECT jobs.*, NULL AS result
FROM flowerpower_jobs AS jobs
WHERE namespace = :namespace AND (expires_at IS NULL OR expires_at > :now) AND id IN (
    SELECT child_id FROM flowerpower_children
    WHERE namespace = :namespace AND parent_id IN ({ids})
)
ORDER BY created_at, id LIMIT :limit

-- name: cancel_waiting
UPDATE flowerpower_jobs SET status = 'cancelled', cancel = 1, ended_at = :now,
    expires_at = :expires_at, start_by = NULL, blocked = 0, parked = 0,
    error = COALESCE(:error, error)
WHERE namespace = :namespace AND id IN ({ids})
{returning_end}

-- name: cancel_running
-- An error of a running job is why it is cancelled; its end keeps that.
UPDATE flowerpower_jobs SET cancel = 1, error = COALESCE(:error, error)
WHERE namespace = :namespace AND id IN ({ids})

-- name: retry_jobs
-- One that had to wait for others waits for them again.
UPDATE flowerpower_jobs SET
    status = CASE WHEN max_parallel IS NULL THEN 'queued' ELSE 'scheduled' END,
    blocked = CASE WHEN max_parallel IS NULL THEN 0 ELSE 1 END, run_at = :now, cancel = 0,
    retries = 0, worker_losses = 0, attempts_left = NULL, ended_at = NULL, expires_at = NULL,
    result = NULL, result_expires_at = NULL, error = NULL, owner = NULL,
    start_by = CASE WHEN max_parallel IS NULL THEN :now + expires_after END
WHERE namespace = :namespace AND id IN ({ids})

-- name: keep_attempts
UPDATE flowerpower_jobs SET attempts = :attempts WHERE namespace = :namespace AND id = :id

-- name: delete_jobs
DELETE FROM flowerpower_jobs WHERE namespace = :namespace AND id IN ({ids})

-- name: delete_expired
-- In a WITH, here and wherever rows are locked: PostgreSQL may run a subquery of IN that locks once for
-- each row of the table, if its statistics are from a time when the table was small. Of a statement that
-- begins with WITH, Python's sqlite3 does not count the rows: those that it returns are counted.
WITH expired AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND expires_at <= :now {skip_locked}
)
DELETE FROM flowerpower_jobs WHERE namespace = :namespace AND id IN (SELECT id FROM expired)
RETURNING id

-- name: count_prunable
SELECT COUNT(*) AS count FROM flowerpower_jobs
WHERE namespace = :namespace AND (expires_at <= :now
    OR (:everything = 1 AND status NOT IN ({live})))

-- name: delete_ended
DELETE FROM flowerpower_jobs
WHERE namespace = :namespace AND status NOT IN ({live})

-- name: delete_expired_results
WITH expired AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'finished' AND result IS NOT NULL
        AND result_expires_at <= :now {skip_locked}
)
UPDATE flowerpower_jobs SET result = NULL
WHERE namespace = :namespace AND id IN (SELECT id FROM expired)

-- name: read_log
SELECT attempt, seq, text FROM flowerpower_logs
WHERE namespace = :namespace AND job_id = :id AND attempt = :attempt AND seq > :after ORDER BY seq

-- name: last_log
SELECT COALESCE(MAX(seq), 0) AS seq, COALESCE(SUM(size), 0) AS size FROM flowerpower_logs
WHERE namespace = :namespace AND job_id = :id AND attempt = :attempt

-- name: log_sizes
SELECT seq, size FROM flowerpower_logs
WHERE namespace = :namespace AND job_id = :id AND attempt = :attempt ORDER BY seq DESC

-- name: trim_log
DELETE FROM flowerpower_logs
WHERE namespace = :namespace AND job_id = :id AND attempt = :attempt AND seq <= :seq

-- name: append_log
INSERT INTO flowerpower_logs (namespace, job_id, attempt, seq, text, size)
VALUES (:namespace, :id, :attempt, :seq, :text, :size)

-- name: has_queued
-- In a queue that is not paused.
-- One look into the index per queue. Without the order PostgreSQL may read the whole table, if its
-- statistics are from a time when more was queued.
SELECT name FROM ({names}) AS named WHERE (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'queued' AND parked = 0 AND queue = named.name
    ORDER BY priority DESC, run_at, created_at LIMIT 1
) IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM flowerpower_paused_queues WHERE namespace = :namespace AND queue = named.name
) LIMIT 1

-- name: next_due
-- And whether any job is blocked. Without its order the database might read all jobs to find none.
SELECT MIN(run_at) AS run_at, (
    SELECT concurrency_key FROM flowerpower_jobs
    WHERE namespace = :namespace AND blocked = 1 AND concurrency_key > ''
    ORDER BY concurrency_key LIMIT 1
) AS blocked_key FROM flowerpower_jobs
WHERE namespace = :namespace AND status = 'scheduled' AND blocked = 0 AND queue IN ({queues})
    AND queue NOT IN (
        SELECT queue FROM flowerpower_paused_queues WHERE namespace = :namespace
    )

-- name: promote
WITH due AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'scheduled' AND blocked = 0 AND run_at <= :now
    {skip_locked}
)
UPDATE flowerpower_jobs SET status = 'queued'
WHERE namespace = :namespace AND id IN (SELECT id FROM due)

-- name: keys_with_room
-- The concurrency keys that have a blocked job and room for it. From key to key in the index: a
-- backfill has thousands of blocked jobs with one key.
WITH RECURSIVE keys (name) AS (
    SELECT MIN(concurrency_key) FROM flowerpower_jobs
    WHERE namespace = :namespace AND blocked = 1
    UNION ALL
    SELECT (
        SELECT MIN(concurrency_key) FROM flowerpower_jobs
        WHERE namespace = :namespace AND blocked = 1 AND concurrency_key > keys.name
    ) FROM keys WHERE keys.name IS NOT NULL
), rooms AS (
    SELECT name, (
        SELECT COALESCE(max_parallel, 1) FROM flowerpower_jobs
        WHERE namespace = :namespace AND concurrency_key = keys.name AND blocked = 1
        ORDER BY created_at LIMIT 1
    ) - (
        SELECT COUNT(*) FROM flowerpower_jobs
        WHERE namespace = :namespace AND concurrency_key = keys.name AND blocked = 0
            AND concurrency_key IS NOT NULL AND status IN ({live})
    ) AS room FROM keys WHERE name IS NOT NULL
)
SELECT name, room FROM rooms WHERE room > 0

-- name: lock_blocked
-- Of two that release jobs of a key at once, the second must see what the first has released.
INSERT INTO flowerpower_numbers (namespace, pipeline, last) VALUES (:namespace, ' blocked', 0)
ON CONFLICT (namespace, pipeline) DO UPDATE SET last = 0

-- name: release_blocked
-- In a WITH, as in `claim`: PostgreSQL may run a subquery of IN once for each row, each time with
-- other rows.
WITH due AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND concurrency_key = :key AND blocked = 1
    ORDER BY created_at, id LIMIT :count {skip_locked}
)
UPDATE flowerpower_jobs SET status = 'queued', blocked = 0, run_at = :now,
    start_by = :now + expires_after
WHERE namespace = :namespace AND id IN (SELECT id FROM due)

-- name: active_jobs
-- Not in the order of an index, or the database would read all jobs by their age.
SELECT id, status FROM flowerpower_jobs
WHERE namespace = :namespace AND concurrency_key = :key AND concurrency_key IS NOT NULL
    AND status IN ({live})
ORDER BY created_at + 0 LIMIT :count {for_update}

-- name: expired
SELECT id, pipeline, expires_after FROM flowerpower_jobs
WHERE namespace = :namespace AND start_by <= :now AND status IN ('scheduled', 'queued')
ORDER BY start_by LIMIT :count {skip_locked}

-- name: expire
UPDATE flowerpower_jobs SET status = 'cancelled', ended_at = :now, expires_at = :expires_at,
    start_by = NULL, parked = 0, error = :error
WHERE namespace = :namespace AND id = :id AND status IN ('scheduled', 'queued')
{returning_end}

-- name: claim
-- Rows of `due` are locked, so they are still queued. To say it again would let PostgreSQL search all
-- queued jobs for each of them, if its statistics are from a time when few were queued. {others} leaves
-- out pipelines, if there are limits.
WITH due AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'queued' AND parked = 0 AND queue = :queue
        AND (start_by IS NULL OR start_by > :now) AND NOT EXISTS (
            SELECT 1 FROM flowerpower_paused_queues
            WHERE namespace = :namespace AND queue = :queue
        ) {others}
    ORDER BY priority DESC, run_at, created_at LIMIT :count {skip_locked}
)
UPDATE flowerpower_jobs SET status = 'running', owner = :worker, attempt = attempt + 1,
    started_at = :now, ended_at = NULL, error = NULL, progress = NULL, start_by = NULL
WHERE namespace = :namespace AND id IN (SELECT id FROM due)
RETURNING id, attempt, pipeline, payload, retries, result_ttl, scheduled_for, attempts, after_parents,
    priority, run_at, created_at

-- name: record_progress
UPDATE flowerpower_jobs SET progress = COALESCE(:progress, progress)
WHERE namespace = :namespace AND id = :id AND owner = :worker AND attempt = :attempt
    AND status = 'running'

-- name: finish
UPDATE flowerpower_jobs SET
    status = CASE WHEN :status = 'scheduled' AND cancel = 1 THEN 'cancelled' ELSE :status END,
    owner = NULL, result = :result, result_expires_at = :result_expires_at,
    error = CASE WHEN cancel = 1 AND :status IN ('scheduled', 'cancelled')
        THEN COALESCE(error, :error) ELSE :error END,
    progress = COALESCE(:progress, progress), attempts = :attempts, retries = :retries,
    attempts_left = :attempts_left,
    run_at = COALESCE(:run_at, run_at),
    start_by = CASE WHEN :status = 'scheduled' AND cancel = 0 THEN :run_at + expires_after END,
    ended_at = CASE WHEN :status = 'scheduled' AND cancel = 0 THEN NULL ELSE :now END,
    expires_at = CASE WHEN :status = 'scheduled' AND cancel = 0 THEN NULL ELSE :expires_at END
WHERE namespace = :namespace AND id = :id AND owner = :worker AND attempt = :attempt
    AND status = 'running'
{returning_end}

-- name: release
UPDATE flowerpower_jobs SET
    status = CASE WHEN cancel = 1 THEN 'cancelled' ELSE 'queued' END, owner = NULL,
    ended_at = CASE WHEN cancel = 1 THEN :now END,
    expires_at = CASE WHEN cancel = 1 THEN :expires_at END,
    start_by = CASE WHEN cancel = 0 THEN :now + expires_after END
WHERE namespace = :namespace AND id = :id AND owner = :worker AND attempt = :attempt
    AND status = 'running'
{returning_end}

-- name: requeue_lost
UPDATE flowerpower_jobs SET
    status = CASE WHEN cancel = 1 THEN 'cancelled'
        WHEN worker_losses + 1 >= :max_worker_losses THEN 'failed' ELSE 'queued' END,
    error = CASE WHEN cancel = 1 THEN error
        WHEN worker_losses + 1 >= :max_worker_losses THEN :error END,
    ended_at = CASE WHEN cancel = 1 OR worker_losses + 1 >= :max_worker_losses THEN :now END,
    expires_at = CASE WHEN cancel = 1 OR worker_losses + 1 >= :max_worker_losses THEN :expires_at END,
    start_by = CASE WHEN cancel = 0 AND worker_losses + 1 < :max_worker_losses
        THEN :now + expires_after END,
    worker_losses = worker_losses + 1, owner = NULL
WHERE namespace = :namespace AND owner = :worker AND status = 'running'
    AND (:id = '' OR (id = :id AND attempt = :attempt))
{returning_end}

-- name: note_fire_end
UPDATE flowerpower_fires SET job_status = :status
WHERE namespace = :namespace AND schedule_id = :schedule_id AND fire_time = :scheduled_for
    AND job_id = :id

-- name: note_outcome
INSERT INTO flowerpower_outcomes (namespace, schedule_id, status, failures, ended_at)
SELECT namespace, id, :status, CASE WHEN :status = 'failed' THEN 1 ELSE 0 END, :now
FROM flowerpower_schedules WHERE namespace = :namespace AND id = :schedule_id
ON CONFLICT (namespace, schedule_id) DO UPDATE SET
    status = excluded.status, ended_at = excluded.ended_at,
    failures = CASE WHEN excluded.status = 'failed' THEN flowerpower_outcomes.failures + 1
        ELSE 0 END
