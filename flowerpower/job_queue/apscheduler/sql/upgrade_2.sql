-- From version 2 to 3. Touches flowerpower_jobs.losses, flowerpower_fires.outcome, one index.
ALTER TABLE flowerpower_jobs RENAME COLUMN losses TO worker_losses;
UPDATE flowerpower_fires SET outcome = 'enqueued' WHERE outcome = 'made';
DROP INDEX flowerpower_schedules_dealt_with;
CREATE INDEX flowerpower_schedules_processed
    ON flowerpower_schedules (namespace, (COALESCE(last_fire, anchor))) WHERE state = 'active';
