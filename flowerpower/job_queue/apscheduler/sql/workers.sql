-- Queries of workers and of what they hold, by name; see queries.sql. Tables: flowerpower_workers;
-- of flowerpower_jobs id, owner, attempt, cancel, status, start_by, blocked, parked, pipeline and
-- concurrency_key. {for_share} is PostgreSQL's: others must not remove the worker meanwhile.

-- name: register_worker
INSERT INTO flowerpower_workers (namespace, id, host, pid, queues, slots, started_at, beat, beat_at)
VALUES (:namespace, :worker, :host, :pid, :queues, :slots, :now, 1, :now)

-- name: unregister_worker
DELETE FROM flowerpower_workers WHERE namespace = :namespace AND id = :worker

-- name: is_worker_known
-- And whether any job has waited too long, is blocked or parked, which costs no query of its own.
SELECT beat, EXISTS (
    SELECT 1 FROM flowerpower_jobs WHERE namespace = :namespace AND start_by <= :now
) AS has_expired, (
    SELECT concurrency_key FROM flowerpower_jobs
    WHERE namespace = :namespace AND blocked = 1 AND concurrency_key > ''
    ORDER BY concurrency_key LIMIT 1
) AS blocked_key, (
    SELECT pipeline FROM flowerpower_jobs
    WHERE namespace = :namespace AND parked = 1 ORDER BY pipeline LIMIT 1
) AS parked_pipeline
FROM flowerpower_workers WHERE namespace = :namespace AND id = :worker {for_share}

-- name: list_workers
SELECT * FROM flowerpower_workers WHERE namespace = :namespace ORDER BY started_at

-- name: held_jobs
SELECT id, attempt, cancel FROM flowerpower_jobs
WHERE namespace = :namespace AND owner = :worker AND status = 'running'

-- name: all_held
SELECT id, owner FROM flowerpower_jobs
WHERE namespace = :namespace AND status = 'running' AND owner IS NOT NULL

-- name: beat
UPDATE flowerpower_workers SET beat = beat + 1, beat_at = :now
WHERE namespace = :namespace AND id = :worker

-- name: beats
SELECT id, beat FROM flowerpower_workers WHERE namespace = :namespace

-- name: remove_silent_worker
DELETE FROM flowerpower_workers WHERE namespace = :namespace AND id = :worker AND beat = :beat
