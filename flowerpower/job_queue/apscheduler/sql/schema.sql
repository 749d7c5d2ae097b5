-- The tables, at SCHEMA_VERSION of database.py. Times are seconds since 1970 in UTC; payload, result,
-- error, progress, attempts and definition are JSON as text. Every key begins with namespace, which separates
-- projects that share a database. {live} becomes the statuses of jobs that have not ended.

-- One row per job. owner and attempt fence every write of a worker; cancel is 1 once requested;
-- attempts has those that ended, by number. expires_after is how many seconds a due job waits at most;
-- start_by is when that is over, and NULL unless the job waits. blocked is 1 for a scheduled job that
-- is due once fewer than max_parallel active jobs have its concurrency_key. after_parents is JSON: the
-- condition, and the parents by how each has ended (jobs/chain.py). parked is 1 for a queued job that
-- limits hold back, and that is so out of the order of its queue (jobs/limits.py).
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
    attempts TEXT,
    priority INTEGER NOT NULL DEFAULT 0,
    expires_after DOUBLE PRECISION,
    start_by DOUBLE PRECISION,
    concurrency_key TEXT,
    max_parallel INTEGER,
    blocked INTEGER NOT NULL DEFAULT 0,
    after_parents TEXT,
    has_children INTEGER NOT NULL DEFAULT 0,
    unique_key TEXT,
    parked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, id)
);
-- The order in which the jobs of a queue are claimed.
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
CREATE INDEX flowerpower_jobs_due ON flowerpower_jobs (namespace, run_at, queue)
    WHERE status = 'scheduled' AND blocked = 0;
CREATE INDEX flowerpower_jobs_blocked
    ON flowerpower_jobs (namespace, concurrency_key, created_at, id) WHERE blocked = 1;
CREATE INDEX flowerpower_jobs_start_by ON flowerpower_jobs (namespace, start_by)
    WHERE start_by IS NOT NULL;
CREATE INDEX flowerpower_jobs_schedule ON flowerpower_jobs (namespace, schedule_id, status);
CREATE INDEX flowerpower_jobs_expiry ON flowerpower_jobs (namespace, expires_at);
CREATE INDEX flowerpower_jobs_created ON flowerpower_jobs (namespace, created_at);
CREATE INDEX flowerpower_jobs_owner ON flowerpower_jobs (namespace, owner);
-- What has ended last.
CREATE INDEX flowerpower_jobs_ended ON flowerpower_jobs (namespace, ended_at);
-- The active jobs of schedules and of backfills, which are counted at each fire.
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, concurrency_key, blocked)
    WHERE concurrency_key IS NOT NULL AND status IN ({live});

-- The children of each job, for as long as the child has a record. No foreign key to the parent, which
-- may be gone.
CREATE TABLE flowerpower_children (
    namespace TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    PRIMARY KEY (namespace, parent_id, child_id),
    FOREIGN KEY (namespace, child_id) REFERENCES flowerpower_jobs (namespace, id) ON DELETE CASCADE
);
CREATE INDEX flowerpower_children_child ON flowerpower_children (namespace, child_id);

-- When jobs have started that count for a limit with a rate.
CREATE TABLE flowerpower_starts (
    namespace TEXT NOT NULL,
    limit_name TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (namespace, limit_name, started_at, job_id)
);

-- Pieces of an attempt's log; size is in bytes of UTF-8.
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

-- Workers that nobody has found dead; beat grows while one lives.
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

-- next_fire is the nominal time, due_at the actual one, with jitter; both are NULL while the schedule
-- is paused or done. An interval without a start counts from anchor.
CREATE TABLE flowerpower_schedules (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    definition TEXT NOT NULL,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    anchor DOUBLE PRECISION NOT NULL,
    next_fire DOUBLE PRECISION,
    due_at DOUBLE PRECISION,
    last_fire DOUBLE PRECISION,
    revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_schedules_due ON flowerpower_schedules (namespace, due_at);
CREATE INDEX flowerpower_schedules_processed
    ON flowerpower_schedules (namespace, (COALESCE(last_fire, anchor))) WHERE state = 'active';
CREATE INDEX flowerpower_schedules_pipeline ON flowerpower_schedules (namespace, pipeline);

-- The ledger: one row per fire, whatever its outcome; count is above 1 for coalesced misses, of which
-- last_time is the last one. job_status is how the job of the fire has ended.
CREATE TABLE flowerpower_fires (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    fire_time DOUBLE PRECISION NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    job_id TEXT,
    recorded_at DOUBLE PRECISION NOT NULL,
    last_time DOUBLE PRECISION,
    job_status TEXT,
    PRIMARY KEY (namespace, schedule_id, fire_time),
    FOREIGN KEY (namespace, schedule_id)
        REFERENCES flowerpower_schedules (namespace, id) ON DELETE CASCADE
);
CREATE INDEX flowerpower_fires_recorded ON flowerpower_fires (namespace, recorded_at);
CREATE INDEX flowerpower_fires_spans ON flowerpower_fires (namespace, schedule_id, fire_time)
    WHERE count > 1;

-- How the last job of a schedule's fires has ended, and how many have failed since one finished. No
-- part of flowerpower_schedules, and no foreign key: the end of a job waits for no fire.
CREATE TABLE flowerpower_outcomes (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    status TEXT NOT NULL,
    failures INTEGER NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, schedule_id)
);

-- The last number that a schedule of a pipeline got; numbers are not reused.
CREATE TABLE flowerpower_numbers (
    namespace TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (namespace, pipeline)
);

-- What moves to another queue and what came from one. By kind: outbox, a batch of records that was
-- taken away and is not known to have arrived; inbox, a batch that has arrived, with what was not
-- taken of it; closed, where this queue was moved to; queue_id, what this queue calls itself.
CREATE TABLE flowerpower_migration (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, kind, id)
);

-- Queues that give no jobs to workers.
CREATE TABLE flowerpower_paused_queues (
    namespace TEXT NOT NULL,
    queue TEXT NOT NULL,
    paused_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, queue)
);

-- How many jobs have ended so and fires have been made, with the sums of their times in seconds; see
-- jobs/counter.py. A counter is the sum of its shards: users of PostgreSQL would wait for each other.
CREATE TABLE flowerpower_counters (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    outcome TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    waited_bucket INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    count BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    waited DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, kind, pipeline, outcome, bucket, waited_bucket, shard)
);

-- What has happened and nobody has made notices of yet; see jobs/event.py.
CREATE TABLE flowerpower_events (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_events_at ON flowerpower_events (namespace, at);

-- Notices on their way to one target, whose configuration it names by a digest. Those of one lane are
-- sent in the order of created_at. send_at is when to try next, or to try again if the worker that sends
-- it is not heard of; NULL once it was given up, which error says why.
CREATE TABLE flowerpower_deliveries (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    target TEXT NOT NULL,
    lane TEXT,
    body TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    send_at DOUBLE PRECISION,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    given_up_at DOUBLE PRECISION,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_deliveries_due ON flowerpower_deliveries (namespace, send_at)
    WHERE send_at IS NOT NULL;
CREATE INDEX flowerpower_deliveries_lane ON flowerpower_deliveries (namespace, lane, created_at)
    WHERE lane IS NOT NULL AND send_at IS NOT NULL;
