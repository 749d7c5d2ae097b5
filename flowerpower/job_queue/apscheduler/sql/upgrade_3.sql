-- From version 3 to 4. Touches flowerpower_jobs.attempts.
ALTER TABLE flowerpower_jobs ADD COLUMN attempts TEXT;
