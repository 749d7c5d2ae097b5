-- Queries of limits, by name; see queries.sql. Tables: flowerpower_jobs, flowerpower_starts, and
-- flowerpower_paused_queues. {ids} and {pipelines} become one parameter for
-- each of them.

-- name: parked_pipelines
-- Which pipelines have parked jobs. From pipeline to pipeline in the index: one may have thousands. Not
-- by MIN: PostgreSQL reads all that are parked, if its statistics are from before they were.
WITH RECURSIVE pipelines (name) AS (
    SELECT (
        SELECT pipeline FROM flowerpower_jobs WHERE namespace = :namespace AND parked = 1
        ORDER BY pipeline LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT pipeline FROM flowerpower_jobs
        WHERE namespace = :namespace AND parked = 1 AND pipeline > pipelines.name
        ORDER BY pipeline LIMIT 1
    ) FROM pipelines WHERE pipelines.name IS NOT NULL
)
SELECT name FROM pipelines WHERE name IS NOT NULL

-- name: limit_facts
-- In one query, as each costs a round trip: of each limited pipeline how many jobs run, and whether any
-- is parked, and how many starts of each rate count. PostgreSQL plans it each time, so it is plain. What
-- a claim asks besides comes before it and after it.
{before}
SELECT 'pipeline' AS kind, name, (
    SELECT COUNT(*) FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'running' AND pipeline = limited.name
) AS count, (
    SELECT pipeline FROM flowerpower_jobs
    WHERE namespace = :namespace AND parked = 1 AND pipeline = limited.name LIMIT 1
) AS parked, 0 AS has_due FROM ({names}) AS limited
{more}

-- name: count_starts
-- What `limit_facts` has more, for each rate.
UNION ALL SELECT 'start', :rate{number}, COUNT(*), NULL, 0 FROM flowerpower_starts
WHERE namespace = :namespace AND limit_name = :rate{number} AND started_at > :after{number}

-- name: worker_with_limits
-- What `limit_facts` has before, for a claim: the worker as in `is_worker_known`, and the pipeline of
-- the job that was the first one of the queue before the claim, for whether to park some; and whether
-- any job is to be queued, which saves the query that does it.
WITH known AS (
    SELECT EXISTS (
        SELECT 1 FROM flowerpower_jobs WHERE namespace = :namespace AND start_by <= :now
    ) AS has_expired, EXISTS (
        SELECT 1 FROM flowerpower_jobs
        WHERE namespace = :namespace AND status = 'scheduled' AND blocked = 0 AND run_at <= :now
    ) AS has_due, (
        SELECT concurrency_key FROM flowerpower_jobs
        WHERE namespace = :namespace AND blocked = 1 AND concurrency_key > ''
        ORDER BY concurrency_key LIMIT 1
    ) AS blocked_key, (
        SELECT pipeline FROM flowerpower_jobs
        WHERE namespace = :namespace AND status = 'queued' AND parked = 0 AND queue = :queue
        ORDER BY priority DESC, run_at, created_at LIMIT 1
    ) AS first_pipeline
    FROM flowerpower_workers WHERE namespace = :namespace AND id = :worker {for_share}
)

-- name: known_worker
-- What it has after.
UNION ALL SELECT 'worker', blocked_key, CASE WHEN has_expired THEN 1 ELSE 0 END, first_pipeline,
    CASE WHEN has_due THEN 1 ELSE 0 END FROM known

-- name: running_jobs
SELECT id, pipeline FROM flowerpower_jobs
WHERE namespace = :namespace AND status = 'running' AND owner > '' ORDER BY started_at, id

-- name: start
SELECT started_at FROM flowerpower_starts
WHERE namespace = :namespace AND limit_name = :name AND started_at > :after
ORDER BY started_at LIMIT 1 OFFSET :skipped

-- name: add_start
INSERT INTO flowerpower_starts (namespace, limit_name, started_at, job_id)
VALUES (:namespace, :name, :now, :id) ON CONFLICT DO NOTHING

-- name: delete_starts
DELETE FROM flowerpower_starts
WHERE namespace = :namespace AND limit_name = :name AND started_at <= :before

-- name: delete_old_starts
DELETE FROM flowerpower_starts WHERE namespace = :namespace AND started_at <= :before

-- name: queued_in_order
SELECT id, pipeline, priority, run_at, created_at, parked FROM flowerpower_jobs
WHERE namespace = :namespace AND status = 'queued' AND parked = 0 AND queue = :queue
    AND (start_by IS NULL OR start_by > :now) AND NOT EXISTS (
        SELECT 1 FROM flowerpower_paused_queues WHERE namespace = :namespace AND queue = :queue
    )
ORDER BY priority DESC, run_at, created_at LIMIT :count OFFSET :skipped

-- name: parked_in_order
SELECT id, pipeline, priority, run_at, created_at, parked FROM flowerpower_jobs
WHERE namespace = :namespace AND parked = 1 AND pipeline = :pipeline AND queue = :queue
    AND (start_by IS NULL OR start_by > :now) AND NOT EXISTS (
        SELECT 1 FROM flowerpower_paused_queues WHERE namespace = :namespace AND queue = :queue
    )
ORDER BY priority DESC, run_at, created_at LIMIT :count

-- name: count_parked
SELECT pipeline, COUNT(*) AS count FROM flowerpower_jobs
WHERE namespace = :namespace AND parked = 1 GROUP BY pipeline

-- name: park
WITH queued AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND id IN ({ids}) AND status = 'queued' {skip_locked}
)
UPDATE flowerpower_jobs SET parked = 1
WHERE namespace = :namespace AND id IN (SELECT id FROM queued)

-- name: unpark
-- In a WITH, as in `release_blocked`.
WITH due AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND parked = 1 AND pipeline = :pipeline AND queue = :queue
    ORDER BY priority DESC, run_at, created_at LIMIT :count {skip_locked}
)
UPDATE flowerpower_jobs SET parked = 0
WHERE namespace = :namespace AND id IN (SELECT id FROM due)

-- name: claim_chosen
-- One that somebody else has changed meanwhile is left out.
WITH due AS (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND id IN ({ids}) AND status = 'queued' {skip_locked}
)
UPDATE flowerpower_jobs SET status = 'running', owner = :worker, attempt = attempt + 1, parked = 0,
    started_at = :now, ended_at = NULL, error = NULL, progress = NULL, start_by = NULL
WHERE namespace = :namespace AND id IN (SELECT id FROM due)
RETURNING id, attempt, pipeline, payload, retries, result_ttl, scheduled_for, attempts, after_parents,
    priority, run_at, created_at, queue
