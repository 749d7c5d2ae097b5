BEGIN TRANSACTION;
CREATE TABLE flowerpower_children (
    namespace TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    child_id TEXT NOT NULL,
    PRIMARY KEY (namespace, parent_id, child_id),
    FOREIGN KEY (namespace, child_id) REFERENCES flowerpower_jobs (namespace, id) ON DELETE CASCADE
);
INSERT INTO "flowerpower_children" VALUES('stored','finished','child-of-finished');
INSERT INTO "flowerpower_children" VALUES('stored','queued','waiting');
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
INSERT INTO "flowerpower_counters" VALUES('stored','fire','check','enqueued',4,-1,0,1,1.052832,0.0);
INSERT INTO "flowerpower_counters" VALUES('stored','job','check','finished',2,6,0,1,0.26,7.53843092918396);
INSERT INTO "flowerpower_counters" VALUES('stored','job','report','finished',3,5,0,1,0.724,2.55263400077819824218e+00);
INSERT INTO "flowerpower_counters" VALUES('stored','job','check','failed',2,2,0,1,0.284,2.91533946990966796875e-01);
INSERT INTO "flowerpower_counters" VALUES('stored','job','check','finished',1,1,0,1,0.136,1.043300628662109375e-01);
INSERT INTO "flowerpower_counters" VALUES('stored','job','check','cancelled',-1,-1,0,1,0.0,0.0);
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
CREATE TABLE flowerpower_events (
    namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
);
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
INSERT INTO "flowerpower_fires" VALUES('stored','once',1795946736.84056,'enqueued',NULL,1,'once-20261129T100536Z',1.79594673789339208599e+09,NULL,'finished');
INSERT INTO "flowerpower_fires" VALUES('stored','nightly',1793496600.0,'enqueued','backfill',1,'nightly-20261101T013000Z',1.79594674770699405672e+09,NULL,NULL);
INSERT INTO "flowerpower_fires" VALUES('stored','nightly',1793583000.0,'enqueued','backfill',1,'nightly-20261102T013000Z',1.79594674770699405672e+09,NULL,NULL);
INSERT INTO "flowerpower_fires" VALUES('stored','nightly',1793669400.0,'enqueued','backfill',1,'nightly-20261103T013000Z',1.79594674770699405672e+09,NULL,NULL);
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
INSERT INTO "flowerpower_jobs" VALUES('stored','finished','report','default','{"v": 1, "pipeline": "report", "overrides": {}}','finished',1.79594673543491601948e+09,1.79594673543491601948e+09,-1.0,NULL,NULL,NULL,1,0,0,0,0,1795946737.98755,1795946745.81674,'{"outputs": {"text": "18 EUR"}, "notes": []}',NULL,4949546745.81674,NULL,'{"nodes": {"numbers": {"started_at": "2026-11-29T10:05:45.666845+00:00", "state": "finished", "seconds": 0.035534}, "total": {"started_at": "2026-11-29T10:05:45.712549+00:00", "state": "finished", "seconds": 0.013945}, "text": {"started_at": "2026-11-29T10:05:45.808707+00:00", "state": "finished", "seconds": 0.013478}}, "done": 3, "total": 3, "current": "text"}','{"1": {"worker": "vm-6918-c0bdddd9", "status": "finished", "started_at": "2026-11-29T10:05:45.088850+00:00", "ended_at": "2026-11-29T10:05:45.812850+00:00", "seconds": 0.724, "error": null}}',5,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','failed','check','default','{"v": 1, "pipeline": "check", "overrides": {"inputs": {"limit": 1000}}}','failed',1.79594674542951297756e+09,1.79594673563154292109e+09,-1.0,NULL,NULL,NULL,2,1,0,0,0,1.79594674572104692463e+09,1.79594674616910099981e+09,NULL,NULL,4.94954674616910076127e+09,'{"type": "ValueError", "message": "1000 is above 100", "code": "run_failed", "exit_code": 6, "node": "checked", "file": "pipelines/check.py", "line": 3, "hint": null, "details": [], "traceback": "Traceback (most recent call last):\n  File \"/tmp/tmpf79q1jg3/project/pipelines/check.py\", line 3, in checked\n    raise ValueError(f\"{limit} is above 100\")\nValueError: 1000 is above 100\n", "type_names": ["ValueError", "builtins.ValueError", "Exception", "builtins.Exception", "BaseException", "builtins.BaseException"]}','{"nodes": {"checked": {"started_at": "2026-11-29T10:05:46.096267+00:00", "state": "failed", "seconds": 0.000425}}, "done": 0, "total": 1, "current": "checked"}','{"1": {"worker": "vm-6918-c0bdddd9", "status": "failed", "started_at": "2026-11-29T10:05:45.090606+00:00", "ended_at": "2026-11-29T10:05:45.429606+00:00", "seconds": 0.339, "error": {"type": "ValueError", "message": "1000 is above 100", "code": "run_failed", "exit_code": 6, "node": "checked", "file": "pipelines/check.py", "line": 3, "hint": null, "details": [], "traceback": "Traceback (most recent call last):\n  File \"/tmp/tmpf79q1jg3/project/pipelines/check.py\", line 3, in checked\n    raise ValueError(f\"{limit} is above 100\")\nValueError: 1000 is above 100\n", "type_names": ["ValueError", "builtins.ValueError", "Exception", "builtins.Exception", "BaseException", "builtins.BaseException"]}}, "2": {"worker": "vm-6918-c0bdddd9", "status": "failed", "started_at": "2026-11-29T10:05:45.884733+00:00", "ended_at": "2026-11-29T10:05:46.168733+00:00", "seconds": 0.284, "error": {"type": "ValueError", "message": "1000 is above 100", "code": "run_failed", "exit_code": 6, "node": "checked", "file": "pipelines/check.py", "line": 3, "hint": null, "details": [], "traceback": "Traceback (most recent call last):\n  File \"/tmp/tmpf79q1jg3/project/pipelines/check.py\", line 3, in checked\n    raise ValueError(f\"{limit} is above 100\")\nValueError: 1000 is above 100\n", "type_names": ["ValueError", "builtins.ValueError", "Exception", "builtins.Exception", "BaseException", "builtins.BaseException"]}}}',0,NULL,NULL,NULL,NULL,0,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','child-of-finished','check','default','{"v": 1, "pipeline": "check", "overrides": {}}','finished',1795946745.81674,1.79594673581689500806e+09,-1.0,NULL,NULL,NULL,1,0,1,0,0,1795946745.92107,1.79594674620554089553e+09,'{"outputs": {"checked": 10}, "notes": []}',NULL,4.94954674620554065708e+09,NULL,'{"nodes": {"checked": {"started_at": "2026-11-29T10:05:46.128417+00:00", "state": "finished", "seconds": 0.054282}}, "done": 1, "total": 1, "current": "checked"}','{"1": {"worker": "vm-6918-c0bdddd9", "status": "finished", "started_at": "2026-11-29T10:05:46.056524+00:00", "ended_at": "2026-11-29T10:05:46.192524+00:00", "seconds": 0.136, "error": null}}',0,NULL,NULL,NULL,NULL,0,'{"on": "success", "parents": {"finished": "finished"}}',0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','once-20261129T100536Z','check','default','{"v": 1, "pipeline": "check", "overrides": {}}','finished',1.79594673789339208599e+09,1.79594673789339208599e+09,-1.0,'once',1795946736.84056,NULL,1,0,1,0,0,1.79594674543182301514e+09,1.79594674570112800603e+09,'{"outputs": {"checked": 10}, "notes": []}',NULL,4.9495467457011280061e+09,NULL,'{"nodes": {"checked": {"started_at": "2026-11-29T10:05:45.669394+00:00", "state": "finished", "seconds": 0.00735}}, "done": 1, "total": 1, "current": "checked"}','{"1": {"worker": "vm-6918-c0bdddd9", "status": "finished", "started_at": "2026-11-29T10:05:45.440664+00:00", "ended_at": "2026-11-29T10:05:45.700664+00:00", "seconds": 0.26, "error": null}}',0,NULL,NULL,'once',NULL,0,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','queued','report','default','{"v": 1, "pipeline": "report", "overrides": {"inputs": {"factor": 7}}}','queued',1.79594674713707089424e+09,1.79594674713707089424e+09,-1.0,NULL,NULL,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,NULL,1,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','scheduled','report','default','{"v": 1, "pipeline": "report", "overrides": {}}','scheduled',32472144000.0,1.79594674713836407664e+09,-1.0,NULL,NULL,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','waiting','check','default','{"v": 1, "pipeline": "check", "overrides": {}}','waiting',1795946747.13986,1795946747.13986,-1.0,NULL,NULL,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,'{"on": "end", "parents": {"queued": null}}',0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','unique','check','default','{"v": 1, "pipeline": "check", "overrides": {}}','queued',1.79594674714518404007e+09,1.79594674714518404007e+09,-1.0,NULL,NULL,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,NULL,0,'786f19179db1127269e4c3eb4385291e3caa53f220b228c5a8e2114400ab4908',0);
INSERT INTO "flowerpower_jobs" VALUES('stored','cancelled','check','default','{"v": 1, "pipeline": "check", "overrides": {}}','cancelled',32472144000.0,1.79594674714671492573e+09,-1.0,NULL,NULL,NULL,0,0,NULL,0,1,NULL,1.79594674714753198621e+09,NULL,NULL,4.94954674714753150958e+09,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,0,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','nightly-20261101T013000Z','report','default','{"v": 1, "pipeline": "report", "overrides": {}}','scheduled',1.79594674770699405672e+09,1.79594674770699405672e+09,-1.0,'nightly',1793496600.0,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'nightly:backfill',1,1,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','nightly-20261102T013000Z','report','default','{"v": 1, "pipeline": "report", "overrides": {}}','scheduled',1.79594674770699405672e+09,1.79594674770699501038e+09,-1.0,'nightly',1793583000.0,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'nightly:backfill',1,1,NULL,0,NULL,0);
INSERT INTO "flowerpower_jobs" VALUES('stored','nightly-20261103T013000Z','report','default','{"v": 1, "pipeline": "report", "overrides": {}}','scheduled',1.79594674770699405672e+09,1.79594674770699596405e+09,-1.0,'nightly',1793669400.0,NULL,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'nightly:backfill',1,1,NULL,0,NULL,0);
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
INSERT INTO "flowerpower_logs" VALUES('stored','finished',1,1,'multiplied by 3
',16);
CREATE TABLE flowerpower_migration (
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, kind, id)
);
CREATE TABLE flowerpower_numbers (
    namespace TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (namespace, pipeline)
);
INSERT INTO "flowerpower_numbers" VALUES('stored','',0);
CREATE TABLE flowerpower_outcomes (
    namespace TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    status TEXT NOT NULL,
    failures INTEGER NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, schedule_id)
);
INSERT INTO "flowerpower_outcomes" VALUES('stored','once','finished',0,1.79594674570112800603e+09);
INSERT INTO "flowerpower_outcomes" VALUES('stored',':check','finished',0,1.79594674620554089553e+09);
CREATE TABLE flowerpower_paused_queues (
    namespace TEXT NOT NULL,
    queue TEXT NOT NULL,
    paused_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (namespace, queue)
);
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
INSERT INTO "flowerpower_schedules" VALUES('stored','once','check','{"coalesce": true, "max_instances": 1, "misfire_grace_time": null, "overrides": {}, "queue": "default", "result_ttl": null, "trigger": {"date": "2026-11-29T10:05:36.840560+00:00", "timezone": "Europe/Berlin"}, "v": 1}','done','api',1.79594673651281499862e+09,1.79594673651281499862e+09,NULL,NULL,1795946736.84056,1);
INSERT INTO "flowerpower_schedules" VALUES('stored','nightly','report','{"coalesce": true, "max_instances": 1, "misfire_grace_time": null, "overrides": {}, "queue": "default", "result_ttl": null, "trigger": {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, "v": 1}','paused','config',1.79594674746882390975e+09,1.79594674746882390975e+09,NULL,NULL,NULL,1);
INSERT INTO "flowerpower_schedules" VALUES('stored','biweekly','report','{"coalesce": true, "max_instances": 1, "misfire_grace_time": null, "overrides": {}, "queue": "default", "result_ttl": null, "trigger": {"every": "2 weeks", "start": "2027-01-04T07:00:00+00:00", "timezone": "Europe/Berlin"}, "v": 1}','active','config',1.79594674747326803207e+09,1.79594674747326803207e+09,1799046000.0,1799046000.0,NULL,0);
INSERT INTO "flowerpower_schedules" VALUES('stored','often','check','{"coalesce": true, "max_instances": 1, "misfire_grace_time": null, "overrides": {}, "queue": "default", "result_ttl": null, "trigger": {"interval": 21600, "start": "2999-01-01T00:00:00+00:00", "timezone": "Europe/Berlin"}, "v": 1}','active','api',1.79594674756156110762e+09,1.79594674756156110762e+09,32472165600.0,32472165600.0,NULL,0);
INSERT INTO "flowerpower_schedules" VALUES('stored','working-days','check','{"coalesce": true, "max_instances": 1, "misfire_grace_time": null, "overlap": "queue", "overrides": {"inputs": {"limit": 20}}, "queue": "default", "result_ttl": null, "trigger": {"cron": "0 8 * * 1-5", "except": ["2999-01-02"], "jitter": 300, "start": "2999-01-01T00:00:00+00:00", "timezone": "Europe/Berlin"}, "v": 1}','active','api',1.79594674770149493213e+09,1.79594674770149493213e+09,32472169200.0,3.24721692838659706107e+10,NULL,0);
CREATE TABLE flowerpower_starts (
    namespace TEXT NOT NULL,
    limit_name TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (namespace, limit_name, started_at, job_id)
);
INSERT INTO "flowerpower_starts" VALUES('stored','api',1795946737.98755,'finished');
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
CREATE INDEX flowerpower_jobs_order
    ON flowerpower_jobs (namespace, queue, priority DESC, run_at, created_at)
    WHERE status = 'queued' AND parked = 0;
CREATE INDEX flowerpower_jobs_parked
    ON flowerpower_jobs (namespace, pipeline, queue, priority DESC, run_at, created_at)
    WHERE parked = 1;
CREATE INDEX flowerpower_jobs_running ON flowerpower_jobs (namespace, pipeline)
    WHERE status = 'running';
CREATE UNIQUE INDEX flowerpower_jobs_unique ON flowerpower_jobs (namespace, unique_key)
    WHERE unique_key IS NOT NULL AND status IN ('waiting', 'scheduled', 'queued', 'running');
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
CREATE INDEX flowerpower_jobs_ended ON flowerpower_jobs (namespace, ended_at);
CREATE INDEX flowerpower_jobs_active ON flowerpower_jobs (namespace, concurrency_key, blocked)
    WHERE concurrency_key IS NOT NULL AND status IN ('waiting', 'scheduled', 'queued', 'running');
CREATE INDEX flowerpower_children_child ON flowerpower_children (namespace, child_id);
CREATE INDEX flowerpower_schedules_due ON flowerpower_schedules (namespace, due_at);
CREATE INDEX flowerpower_schedules_processed
    ON flowerpower_schedules (namespace, (COALESCE(last_fire, anchor))) WHERE state = 'active';
CREATE INDEX flowerpower_schedules_pipeline ON flowerpower_schedules (namespace, pipeline);
CREATE INDEX flowerpower_fires_recorded ON flowerpower_fires (namespace, recorded_at);
CREATE INDEX flowerpower_fires_spans ON flowerpower_fires (namespace, schedule_id, fire_time)
    WHERE count > 1;
CREATE INDEX flowerpower_events_at ON flowerpower_events (namespace, at);
CREATE INDEX flowerpower_deliveries_due ON flowerpower_deliveries (namespace, send_at)
    WHERE send_at IS NOT NULL;
CREATE INDEX flowerpower_deliveries_lane ON flowerpower_deliveries (namespace, lane, created_at)
    WHERE lane IS NOT NULL AND send_at IS NOT NULL;
COMMIT;
PRAGMA user_version = 8;
