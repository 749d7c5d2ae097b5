-- Queries of notices, by name; see queries.sql. Tables: flowerpower_events, flowerpower_deliveries.
-- {ids} and {targets} become one parameter each.

-- name: notices_due
SELECT (
    SELECT MIN(at) FROM flowerpower_events WHERE namespace = :namespace
) AS event_at, (
    SELECT MIN(send_at) FROM flowerpower_deliveries
    WHERE namespace = :namespace AND send_at IS NOT NULL
) AS send_at

-- name: take_events
-- One that another sender holds is left out, and then this one takes none.
WITH events AS (
    SELECT id FROM flowerpower_events
    WHERE namespace = :namespace AND id IN ({ids}) {skip_locked}
)
DELETE FROM flowerpower_events WHERE namespace = :namespace AND id IN (SELECT id FROM events)
RETURNING id

-- name: add_delivery
INSERT INTO flowerpower_deliveries (namespace, id, target, lane, body, created_at, send_at)
VALUES (:namespace, :id, :target, :lane, :body, :created_at, :now) ON CONFLICT DO NOTHING

-- name: claim_delivery
WITH due AS (
    SELECT id FROM flowerpower_deliveries AS delivery
    WHERE namespace = :namespace AND send_at <= :now AND target NOT IN ({targets})
        AND NOT EXISTS (
            SELECT 1 FROM flowerpower_deliveries AS earlier
            WHERE earlier.namespace = :namespace AND earlier.lane = delivery.lane
                AND earlier.send_at IS NOT NULL AND earlier.created_at < delivery.created_at
        )
    ORDER BY send_at LIMIT 1 {skip_locked}
)
UPDATE flowerpower_deliveries SET send_at = :now + :lease, attempts = attempts + 1
WHERE namespace = :namespace AND id IN (SELECT id FROM due)
RETURNING *

-- name: delete_delivery
DELETE FROM flowerpower_deliveries WHERE namespace = :namespace AND id = :id

-- name: postpone_delivery
UPDATE flowerpower_deliveries SET send_at = :now + :seconds, error = :error
WHERE namespace = :namespace AND id = :id AND attempts = :attempts AND send_at IS NOT NULL

-- name: give_up_delivery
UPDATE flowerpower_deliveries SET send_at = NULL, given_up_at = :now, error = :error
WHERE namespace = :namespace AND id = :id AND attempts = :attempts AND send_at IS NOT NULL

-- name: waiting_deliveries
SELECT * FROM flowerpower_deliveries
WHERE namespace = :namespace AND send_at IS NOT NULL ORDER BY created_at LIMIT :limit

-- name: given_up_deliveries
-- What a record that ends now is kept for, they are kept for since they were given up.
SELECT * FROM flowerpower_deliveries
WHERE namespace = :namespace AND given_up_at > :now - (:expires_at - :now)
ORDER BY given_up_at DESC LIMIT :limit

-- name: delete_given_up
DELETE FROM flowerpower_deliveries WHERE namespace = :namespace AND given_up_at <= :before
