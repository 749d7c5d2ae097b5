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
-- In one query, as each costs a round trip: of the limited pipelines the number of running jobs and
-- which have parked ones, the starts of each rate, and the first queued jobs of a queue; priority is a
-- count for others than these. PostgreSQL plans it each time, so it is plain. What
-- a claim asks besides comes before it and after it.
{before}
SELECT 'running' AS kind, pipeline, COUNT(*) AS priority, CAST(NULL AS TEXT) AS id,
    CAST(NULL AS DOUBLE PRECISION) AS run_at, CAST(NULL AS DOUBLE PRECISION) AS created_at
FROM flowerpower_jobs
WHERE namespace = :namespace AND status = 'running' AND pipeline IN ({pipelines})
GROUP BY pipeline
UNION ALL SELECT 'parked', name, 0, NULL, NULL, NULL FROM ({names}) AS limited WHERE (
    SELECT pipeline FROM flowerpower_jobs
    WHERE namespace = :namespace AND parked = 1 AND pipeline = limited.name LIMIT 1
) IS NOT NULL
{more}

-- name: count_starts
-- What `limit_facts` has more, for each rate.
UNION ALL SELECT 'start', :rate{number}, COUNT(*), NULL, NULL, NULL FROM flowerpower_starts
WHERE namespace = :namespace AND limit_name = :rate{number} AND started_at > :after{number}

-- name: worker_and_first
-- What `limit_facts` has more, for a claim: the worker, from `is_worker_known`, which is known; and the
-- first job of the queue as it was before the claim, for whether to park some.
UNION ALL SELECT 'worker', blocked_key, CASE WHEN has_expired THEN 1 ELSE 0 END, parked_pipeline,
    NULL, NULL FROM known
UNION ALL SELECT * FROM (
    SELECT 'queued', pipeline, priority, id, run_at, created_at FROM flowerpower_jobs
    WHERE namespace = :namespace AND status = 'queued' AND parked = 0 AND queue = :queue
    ORDER BY priority DESC, run_at, created_at LIMIT 1
) AS first_queued

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
UPDATE flowerpower_jobs SET parked = 1
WHERE namespace = :namespace AND id IN (
    SELECT id FROM flowerpower_jobs
    WHERE namespace = :namespace AND id IN ({ids}) AND status = 'queued' {skip_locked}
)

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
