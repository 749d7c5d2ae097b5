-- Queries of schedules and their fires, by name; see queries.sql. Tables: flowerpower_schedules,
-- flowerpower_fires, flowerpower_outcomes, flowerpower_numbers; of flowerpower_jobs namespace, id,
-- concurrency_key, status, error and expires_at.

-- name: lock_schedules
INSERT INTO flowerpower_numbers (namespace, pipeline, last) VALUES (:namespace, '', 0)
ON CONFLICT (namespace, pipeline) DO UPDATE SET last = 0

-- name: next_number
INSERT INTO flowerpower_numbers (namespace, pipeline, last) VALUES (:namespace, :pipeline, 1)
ON CONFLICT (namespace, pipeline) DO UPDATE SET last = flowerpower_numbers.last + 1
RETURNING last

-- name: find_schedule
SELECT * FROM flowerpower_schedules
WHERE namespace = :namespace AND pipeline = :pipeline AND definition = :definition
    AND state <> 'done'
ORDER BY created_at LIMIT 1

-- name: put_schedule
INSERT INTO flowerpower_schedules (
    namespace, id, pipeline, definition, state, origin, created_at, anchor, next_fire, due_at,
    last_fire, revision
) VALUES (
    :namespace, :id, :pipeline, :definition, :state, :origin, :created_at, :anchor, :next_fire,
    :due_at, :last_fire, :revision
) ON CONFLICT (namespace, id) DO UPDATE SET
    pipeline = :pipeline, definition = :definition, state = :state, origin = :origin,
    anchor = :anchor, next_fire = :next_fire, due_at = :due_at, last_fire = :last_fire,
    revision = :revision

-- name: get_schedule
SELECT * FROM flowerpower_schedules WHERE namespace = :namespace AND id = :id {for_update}

-- name: list_schedules
-- With what became of the latest fire in the ledger, or else of the last job that has ended.
SELECT schedules.*, COALESCE(
    CASE WHEN fires.outcome = 'enqueued' THEN COALESCE(jobs.status, fires.job_status) END,
    CASE WHEN fires.outcome <> 'enqueued' THEN fires.outcome END,
    outcomes.status, fires.outcome
) AS last_outcome, COALESCE(outcomes.failures, 0) AS failures
FROM flowerpower_schedules AS schedules
LEFT JOIN flowerpower_outcomes AS outcomes
    ON outcomes.namespace = schedules.namespace AND outcomes.schedule_id = schedules.id
LEFT JOIN flowerpower_fires AS fires
    ON fires.namespace = schedules.namespace AND fires.schedule_id = schedules.id
    AND fires.fire_time = (
        SELECT MAX(fire_time) FROM flowerpower_fires AS latest
        WHERE latest.namespace = schedules.namespace AND latest.schedule_id = schedules.id
    )
LEFT JOIN flowerpower_jobs AS jobs
    ON jobs.namespace = fires.namespace AND jobs.id = fires.job_id
    AND (jobs.expires_at IS NULL OR jobs.expires_at > :now)
WHERE schedules.namespace = :namespace {condition}
ORDER BY {order}

-- name: count_schedules
SELECT COUNT(*) AS count FROM flowerpower_schedules WHERE namespace = :namespace

-- name: schedule_ids
SELECT id FROM flowerpower_schedules WHERE namespace = :namespace LIMIT 1000

-- name: move_schedule
UPDATE flowerpower_schedules SET state = :state, anchor = :anchor, next_fire = :next_fire,
    due_at = :due_at, last_fire = :last_fire, revision = :revision
WHERE namespace = :namespace AND id = :id

-- name: delete_outcome
DELETE FROM flowerpower_outcomes WHERE namespace = :namespace AND schedule_id = :id

-- name: delete_schedule
DELETE FROM flowerpower_schedules WHERE namespace = :namespace AND id = :id

-- name: next_fire
SELECT MIN(due_at) AS due_at, (
    SELECT COALESCE(last_fire, anchor) FROM flowerpower_schedules
    WHERE namespace = :namespace AND state = 'active'
    ORDER BY COALESCE(last_fire, anchor) DESC LIMIT 1
) AS last_processed_at
FROM flowerpower_schedules WHERE namespace = :namespace

-- name: due_schedules
SELECT * FROM flowerpower_schedules
WHERE namespace = :namespace AND due_at <= :now
ORDER BY due_at LIMIT :limit {skip_locked}

-- name: schedules_ahead
SELECT * FROM flowerpower_schedules
WHERE namespace = :namespace AND state = 'active' AND COALESCE(last_fire, anchor) > :later
LIMIT :limit {skip_locked}

-- name: count_active
SELECT id AS schedule_id, (
    SELECT COUNT(*) FROM flowerpower_jobs
    WHERE namespace = :namespace AND concurrency_key = flowerpower_schedules.id
        AND concurrency_key IS NOT NULL AND status IN ({live})
) AS count FROM flowerpower_schedules WHERE namespace = :namespace AND id IN ({ids})

-- name: put_fire
INSERT INTO flowerpower_fires (
    namespace, schedule_id, fire_time, outcome, reason, count, job_id, recorded_at, last_time
) VALUES (
    :namespace, :id, :fire_time, :outcome, :reason, :count, :job_id, :now, :last_time
) ON CONFLICT (namespace, schedule_id, fire_time) DO UPDATE SET
    outcome = :outcome, reason = :reason, count = :count, job_id = :job_id, recorded_at = :now,
    last_time = :last_time
WHERE flowerpower_fires.outcome <> 'enqueued'

-- name: list_fires
SELECT fires.schedule_id, fire_time, outcome, reason, count, job_id, recorded_at, last_time,
    COALESCE(jobs.status, fires.job_status) AS job_status, jobs.error AS job_error
FROM flowerpower_fires AS fires
LEFT JOIN flowerpower_jobs AS jobs
    ON jobs.namespace = fires.namespace AND jobs.id = fires.job_id
    AND (jobs.expires_at IS NULL OR jobs.expires_at > :now)
WHERE fires.namespace = :namespace AND fires.schedule_id = :id
ORDER BY fire_time DESC LIMIT :limit

-- name: ledger
SELECT * FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
ORDER BY fire_time

-- name: ledger_between
-- And a row of several misses that begins before.
SELECT * FROM flowerpower_fires
WHERE namespace = :namespace AND schedule_id = :id AND fire_time BETWEEN :first AND :last
UNION ALL
SELECT * FROM (
    SELECT * FROM flowerpower_fires
    WHERE namespace = :namespace AND schedule_id = :id AND count > 1 AND fire_time < :first
    ORDER BY fire_time DESC LIMIT 1
) AS span_before

-- name: trim_fires
-- Not what a backfill has made, which is kept for as long as all history; `trim_spans` is apart, so
-- that many fires push out no misses in a row.
DELETE FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
    AND count = 1 AND COALESCE(reason, '') <> 'backfill' AND fire_time < (
        SELECT fire_time FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
            AND count = 1 AND COALESCE(reason, '') <> 'backfill'
        ORDER BY fire_time DESC LIMIT 1 OFFSET :kept
    )

-- name: trim_spans
DELETE FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
    AND count > 1 AND fire_time < (
        SELECT fire_time FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
            AND count > 1 ORDER BY fire_time DESC LIMIT 1 OFFSET :kept
    )

-- name: delete_old_fires
DELETE FROM flowerpower_fires WHERE namespace = :namespace AND recorded_at < :before
