-- Queries of parents and children, by name; see queries.sql. Tables: flowerpower_children; of
-- flowerpower_jobs status, run_at, start_by, error, cancel, the times of its end, after_parents,
-- has_children, unique_key. {ids} becomes one parameter for each id.

-- name: lock_parents
SELECT id, status, has_children FROM flowerpower_jobs
WHERE namespace = :namespace AND id IN ({ids}) AND (expires_at IS NULL OR expires_at > :now)
ORDER BY id {for_update}

-- name: mark_parents
-- They are locked. Only an end of a job that has children looks for them.
UPDATE flowerpower_jobs SET has_children = 1 WHERE namespace = :namespace AND id IN ({ids})

-- name: add_link
INSERT INTO flowerpower_children (namespace, parent_id, child_id)
VALUES (:namespace, :parent, :child) ON CONFLICT DO NOTHING

-- name: find_children
-- For a job that came from another queue after its children.
UPDATE flowerpower_jobs SET has_children = 1
WHERE namespace = :namespace AND id = :id AND EXISTS (
    SELECT 1 FROM flowerpower_children WHERE namespace = :namespace AND parent_id = :id
)

-- name: live_parents
SELECT id FROM flowerpower_jobs
WHERE namespace = :namespace AND id IN ({ids}) AND status IN ({live})

-- name: child_ids
SELECT DISTINCT child_id FROM flowerpower_children
WHERE namespace = :namespace AND parent_id IN ({ids})

-- name: lock_children
SELECT id, status, error, after_parents, has_children, unique_key FROM flowerpower_jobs
WHERE namespace = :namespace AND id IN ({ids}) AND (status IN ('waiting', 'cancelled')
    OR (attempt = 0 AND status IN ('queued', 'scheduled')))
    AND (expires_at IS NULL OR expires_at > :now)
ORDER BY id {for_update}

-- name: set_after
UPDATE flowerpower_jobs SET after_parents = :after WHERE namespace = :namespace AND id = :id

-- name: end_waiting
UPDATE flowerpower_jobs SET after_parents = :after,
    status = CASE WHEN run_at > :now THEN 'scheduled' ELSE 'queued' END,
    run_at = CASE WHEN run_at > :now THEN run_at ELSE :now END,
    start_by = CASE WHEN run_at > :now THEN run_at ELSE :now END + expires_after
WHERE namespace = :namespace AND id = :id AND status = 'waiting'

-- name: cancel_child
UPDATE flowerpower_jobs SET after_parents = COALESCE(:after, after_parents), status = 'cancelled',
    ended_at = :now, expires_at = :expires_at, error = :error
WHERE namespace = :namespace AND id = :id AND status = 'waiting'
{returning_end}

-- name: wait_again
UPDATE flowerpower_jobs SET after_parents = :after, status = 'waiting', cancel = 0, parked = 0,
    start_by = NULL, ended_at = NULL, expires_at = NULL, error = NULL
WHERE namespace = :namespace AND id = :id

-- name: vanished_parents
SELECT DISTINCT links.parent_id FROM flowerpower_children AS links
JOIN flowerpower_jobs AS children
    ON children.namespace = links.namespace AND children.id = links.child_id
    AND children.status = 'waiting'
WHERE links.namespace = :namespace AND NOT EXISTS (
    SELECT 1 FROM flowerpower_jobs AS parents
    WHERE parents.namespace = links.namespace AND parents.id = links.parent_id
)
