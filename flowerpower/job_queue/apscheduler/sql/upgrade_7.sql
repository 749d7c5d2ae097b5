-- From version 7 to 8: after_parents, has_children, unique_key and parked of flowerpower_jobs and its
-- indexes; flowerpower_children and flowerpower_starts; schema.sql explains them. {live} has one status more.
ALTER TABLE flowerpower_jobs ADD COLUMN after_parents TEXT;
ALTER TABLE flowerpower_jobs ADD COLUMN has_children INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flowerpower_jobs ADD COLUMN unique_key TEXT;
ALTER TABLE flowerpower_jobs ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
DROP INDEX flowerpower_jobs_order;
DROP INDEX flowerpower_jobs_active;
CREATE INDEX flowerpower_jobs_order
    ON flowerpower_jobs (namespace, queue, priority DESC, run_at, created_at)
    WHERE status = 'queued' AND parked = 0;
CREATE INDEX flowerpower_jobs_parked
    ON flowerpower_jobs (namespace, pipeline, queue, priority DESC, run_at, created_at)
    WHERE parked = 1;
CREATE INDEX flowerpower_jobs_running ON flowerpower_jobs (namespace, pipeline)
    WHERE status = 'running';
CREATE UNIQUE INDEX flowerpower_jobs_unique ON flowerpower_jobs (namespace, unique_key)
    WHERE unique_key IS NOT NULL AND status IN ({live});
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, concurrency_key, blocked)
    WHERE concurrency_key IS NOT NULL AND status IN ({live});
CREATE TABLE flowerpower_children (
    namespace TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    PRIMARY KEY (namespace, parent_id, child_id),
    FOREIGN KEY (namespace, child_id) REFERENCES flowerpower_jobs (namespace, id) ON DELETE CASCADE
);
CREATE INDEX flowerpower_children_child ON flowerpower_children (namespace, child_id);
CREATE TABLE flowerpower_starts (
    namespace TEXT NOT NULL,
    limit_name TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (namespace, limit_name, started_at, job_id)
);
