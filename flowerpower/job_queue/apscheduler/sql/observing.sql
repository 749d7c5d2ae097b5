-- Queries of the state of the queues, of counters and of events, by name; see queries.sql. Tables:
-- flowerpower_paused_queues, flowerpower_counters, flowerpower_events, flowerpower_outcomes; of
-- flowerpower_jobs queue, status, blocked, run_at, created_at and expires_at.

-- name: queue_states
SELECT queue, status, COUNT(*) AS count, SUM(blocked) AS blocked,
    MIN(
        CASE WHEN status <> 'queued' THEN NULL
        WHEN run_at > created_at THEN run_at ELSE created_at END
    ) AS oldest_due
FROM flowerpower_jobs
WHERE namespace = :namespace AND (expires_at IS NULL OR expires_at > :now)
GROUP BY queue, status

-- name: paused_queues
SELECT queue, paused_at FROM flowerpower_paused_queues WHERE namespace = :namespace

-- name: pause_queue
INSERT INTO flowerpower_paused_queues (namespace, queue, paused_at)
VALUES (:namespace, :queue, :now) ON CONFLICT DO NOTHING

-- name: resume_queue
DELETE FROM flowerpower_paused_queues WHERE namespace = :namespace AND queue = :queue

-- name: count
INSERT INTO flowerpower_counters (
    namespace, kind, pipeline, outcome, bucket, waited_bucket, shard, count, seconds, waited
) VALUES (
    :namespace, :kind, :pipeline, :outcome, :bucket, :waited_bucket, :shard, :count, :seconds,
    :waited
) ON CONFLICT (namespace, kind, pipeline, outcome, bucket, waited_bucket, shard) DO UPDATE SET
    count = flowerpower_counters.count + excluded.count,
    seconds = flowerpower_counters.seconds + excluded.seconds,
    waited = flowerpower_counters.waited + excluded.waited

-- name: counters
SELECT kind, pipeline, outcome, bucket, waited_bucket, CAST(SUM(count) AS BIGINT) AS count,
    SUM(seconds) AS seconds, SUM(waited) AS waited
FROM flowerpower_counters WHERE namespace = :namespace
GROUP BY kind, pipeline, outcome, bucket, waited_bucket
ORDER BY kind, pipeline, outcome, bucket, waited_bucket

-- name: add_event
INSERT INTO flowerpower_events (namespace, id, kind, at, body)
VALUES (:namespace, :id, :kind, :now, :body) ON CONFLICT DO NOTHING

-- name: events
SELECT id, kind, at, body FROM flowerpower_events
WHERE namespace = :namespace ORDER BY at, id LIMIT :limit

-- name: failing
SELECT schedule_id AS name, ended_at FROM flowerpower_outcomes
WHERE namespace = :namespace AND failures > 0 AND schedule_id IN ({names})

-- name: note_pipeline_outcome
INSERT INTO flowerpower_outcomes (namespace, schedule_id, status, failures, ended_at)
VALUES (:namespace, :name, :status, :failures, :now)
ON CONFLICT (namespace, schedule_id) DO UPDATE SET
    status = excluded.status, ended_at = excluded.ended_at,
    failures = CASE WHEN excluded.failures = 0 THEN 0 ELSE flowerpower_outcomes.failures + 1 END
