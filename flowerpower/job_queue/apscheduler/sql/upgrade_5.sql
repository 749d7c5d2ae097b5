-- From version 5 to 6. Touches concurrency_key, max_parallel and blocked of flowerpower_jobs and its
-- indexes, last_time and job_status of flowerpower_fires, flowerpower_outcomes; makes flowerpower_migration.
ALTER TABLE flowerpower_jobs ADD COLUMN concurrency_key TEXT;
ALTER TABLE flowerpower_jobs ADD COLUMN max_parallel INTEGER;
ALTER TABLE flowerpower_jobs ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
UPDATE flowerpower_jobs SET concurrency_key = schedule_id WHERE schedule_id IS NOT NULL;
DROP INDEX flowerpower_jobs_due;
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, run_at, queue)
    WHERE status = 'scheduled' AND blocked = 0;
CREATE INDEX flowerpower_jobs_blocked
    ON flowerpower_jobs (namespace, concurrency_key, created_at, id) WHERE blocked = 1;
DROP INDEX flowerpower_jobs_active;
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, concurrency_key, blocked)
    WHERE concurrency_key IS NOT NULL AND status IN ({live});
ALTER TABLE flowerpower_fires ADD COLUMN last_time DOUBLE PRECISION;
ALTER TABLE flowerpower_fires ADD COLUMN job_status TEXT;
CREATE INDEX flowerpower_fires_spans ON flowerpower_fires (namespace, schedule_id, fire_time)
    WHERE count > 1;
CREATE TABLE flowerpower_outcomes (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    status TEXT NOT NULL,
    failures INTEGER NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, schedule_id)
);
CREATE TABLE flowerpower_migration (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, kind, id)
);
