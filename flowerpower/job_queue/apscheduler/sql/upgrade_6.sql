-- From version 6 to 7: flowerpower_paused_queues, flowerpower_counters, flowerpower_events and
-- flowerpower_deliveries; schema.sql explains them. flowerpower_jobs_ended finds what has ended last.
CREATE TABLE flowerpower_paused_queues (
    namespace TEXT NOT NULL,
    queue TEXT NOT NULL,
    paused_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, queue)
);
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
CREATE TABLE flowerpower_events (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
);
CREATE INDEX flowerpower_events_at ON flowerpower_events (namespace, at);
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
CREATE INDEX flowerpower_jobs_ended ON flowerpower_jobs (namespace, ended_at);
