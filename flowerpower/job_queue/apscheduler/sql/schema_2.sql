-- Version 2: schedules and their fires, which no version 1 ever filled.

DROP TABLE flowerpower_fires;
DROP TABLE flowerpower_schedules;

-- next_fire is the nominal time, due_at when it is to happen, jitter included; both are NULL when
-- the schedule is paused or done. An interval without a start counts from anchor.
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
CREATE INDEX flowerpower_schedules_dealt_with
    ON flowerpower_schedules (namespace, (COALESCE(last_fire, anchor))) WHERE state = 'active';
CREATE INDEX flowerpower_schedules_pipeline ON flowerpower_schedules (namespace, pipeline);

-- The ledger: one row a fire, whatever became of it; count is above 1 for misses taken together.
CREATE TABLE flowerpower_fires (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    fire_time DOUBLE PRECISION NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    job_id TEXT,
    recorded_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, schedule_id, fire_time),
    FOREIGN KEY (namespace, schedule_id)
        REFERENCES flowerpower_schedules (namespace, id) ON DELETE CASCADE
);
CREATE INDEX flowerpower_fires_recorded ON flowerpower_fires (namespace, recorded_at);

-- The last number that a schedule of a pipeline was given; numbers are not reused.
CREATE TABLE flowerpower_numbers (
    namespace TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (namespace, pipeline)
);

-- The jobs of schedules that have not ended, to be counted at each fire.
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, schedule_id)
    WHERE schedule_id IS NOT NULL AND status IN ('scheduled', 'queued', 'running');
