-- Version 1: jobs, logs, workers. Times are seconds since 1970 in UTC; payload, result, error,
-- progress, spec and trigger_json are JSON as text. namespace parts the projects that share a database.

-- One row a job. owner and attempt fence every write of a worker; cancel is 1 once asked for.
CREATE TABLE flowerpower_jobs (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    queue TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    run_at DOUBLE PRECISION NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    result_ttl DOUBLE PRECISION NOT NULL,
    schedule_id TEXT,
    scheduled_for DOUBLE PRECISION,
    owner TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL DEFAULT 0,
    attempts_left INTEGER,
    worker_losses INTEGER NOT NULL DEFAULT 0,
    cancel INTEGER NOT NULL DEFAULT 0,
    started_at DOUBLE PRECISION,
    ended_at DOUBLE PRECISION,
    result TEXT,
    result_expires_at DOUBLE PRECISION,
    expires_at DOUBLE PRECISION,
    error TEXT,
    progress TEXT,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, status, run_at, queue);
CREATE INDEX flowerpower_jobs_schedule ON flowerpower_jobs (namespace, schedule_id, status);
CREATE INDEX flowerpower_jobs_expiry ON flowerpower_jobs (namespace, expires_at);
CREATE INDEX flowerpower_jobs_created ON flowerpower_jobs (namespace, created_at);
CREATE INDEX flowerpower_jobs_owner ON flowerpower_jobs (namespace, owner);

-- Chunks of an attempt's log; size is in bytes of UTF-8.
CREATE TABLE flowerpower_logs (
    namespace TEXT NOT NULL,
    job_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    text TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (namespace, job_id, attempt, seq),
    FOREIGN KEY (namespace, job_id) REFERENCES flowerpower_jobs (namespace, id) ON DELETE CASCADE
);

-- Workers that nobody took for dead; beat grows while one lives.
CREATE TABLE flowerpower_workers (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    queues TEXT NOT NULL,
    slots INTEGER NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    beat INTEGER NOT NULL DEFAULT 0,
    beat_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, id)
);

-- next_fire_at is NULL when the schedule is paused or done; rev grows with every edit.
CREATE TABLE flowerpower_schedules (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    spec TEXT NOT NULL,
    trigger_json TEXT NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    next_fire_at DOUBLE PRECISION,
    last_fire_at DOUBLE PRECISION,
    rev INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_schedules_due ON flowerpower_schedules (namespace, next_fire_at);

-- The ledger: one row a fire, whatever became of it; count is above 1 for coalesced misses.
CREATE TABLE flowerpower_fires (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    fire_time DOUBLE PRECISION NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    job_id TEXT,
    recorded_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, schedule_id, fire_time)
);
