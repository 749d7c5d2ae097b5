-- From version 4 to 5. Touches priority, expires_after and start_by of flowerpower_jobs, and its indexes.
ALTER TABLE flowerpower_jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flowerpower_jobs ADD COLUMN expires_after DOUBLE PRECISION;
ALTER TABLE flowerpower_jobs ADD COLUMN start_by DOUBLE PRECISION;
DROP INDEX flowerpower_jobs_due;
CREATE INDEX flowerpower_jobs_order
    ON flowerpower_jobs (namespace, queue, priority DESC, run_at, created_at)
    WHERE status = 'queued';
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, run_at, queue)
    WHERE status = 'scheduled';
CREATE INDEX flowerpower_jobs_start_by ON flowerpower_jobs (namespace, start_by)
    WHERE start_by IS NOT NULL;
