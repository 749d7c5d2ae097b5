-- Queries of a migration, by name; see queries.sql. Tables: flowerpower_migration, flowerpower_numbers,
-- and all columns of flowerpower_jobs, flowerpower_schedules, flowerpower_fires, flowerpower_logs
-- and of flowerpower_outcomes. {table}, {columns} and {values} become those of one of the last five.

-- name: lock_jobs
-- PostgreSQL only: waits for those that write jobs, and lets nobody write any until the commit.
{lock_jobs}

-- name: get_note
SELECT body FROM flowerpower_migration WHERE namespace = :namespace AND kind = :kind AND id = :id

-- name: put_note
INSERT INTO flowerpower_migration (namespace, kind, id, body, created_at)
VALUES (:namespace, :kind, :id, :body, :now)
ON CONFLICT (namespace, kind, id) DO NOTHING

-- name: change_note
UPDATE flowerpower_migration SET body = :body
WHERE namespace = :namespace AND kind = :kind AND id = :id

-- name: delete_note
DELETE FROM flowerpower_migration WHERE namespace = :namespace AND kind = :kind AND id = :id

-- name: list_outbox
SELECT id, body FROM flowerpower_migration WHERE namespace = :namespace AND kind = 'outbox'
ORDER BY created_at, id

-- name: lock_outbox
SELECT body FROM flowerpower_migration
WHERE namespace = :namespace AND kind = 'outbox' AND id = :id {for_update}

-- name: list_numbers
SELECT pipeline, last FROM flowerpower_numbers WHERE namespace = :namespace AND pipeline <> ''

-- name: raise_number
INSERT INTO flowerpower_numbers (namespace, pipeline, last) VALUES (:namespace, :pipeline, :last)
ON CONFLICT (namespace, pipeline) DO UPDATE SET last = :last
WHERE flowerpower_numbers.last < :last

-- name: live_jobs_of_schedule
SELECT * FROM flowerpower_jobs
WHERE namespace = :namespace AND schedule_id = :id AND schedule_id IS NOT NULL
    AND status IN ({live}) ORDER BY created_at {for_update}

-- name: waiting_job
SELECT * FROM flowerpower_jobs
WHERE namespace = :namespace AND id = :id AND status IN ('waiting', 'scheduled', 'queued')
{for_update}

-- name: all_fires
SELECT * FROM flowerpower_fires WHERE namespace = :namespace AND schedule_id = :id
ORDER BY fire_time

-- name: outcome
SELECT * FROM flowerpower_outcomes WHERE namespace = :namespace AND schedule_id = :id

-- name: all_logs
SELECT attempt, seq, text FROM flowerpower_logs WHERE namespace = :namespace AND job_id = :id
ORDER BY attempt, seq

-- name: insert_record
INSERT INTO {table} (namespace, {columns}) VALUES (:namespace, {values})
