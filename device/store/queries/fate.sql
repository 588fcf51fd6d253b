-- name: note
INSERT INTO fate (log, reason, since_ms) VALUES (:log, :reason, :since_ms)
ON CONFLICT (log) DO UPDATE SET reason = excluded.reason
WHERE fate.reason <> 'compromised' AND excluded.reason = 'compromised'
-- name: fate
SELECT reason, since_ms, erased_ms FROM fate WHERE log = :log
-- name: left
SELECT count(*) FROM outbox
-- name: unreceived
SELECT EXISTS (
    SELECT 1 FROM event AS e
    WHERE e.seq > coalesce(
        (SELECT r.received_through FROM receipt AS r WHERE r.log = e.log AND r.epoch = :epoch), 0
    )
)
-- name: last_receipt
SELECT coalesce(max(kept_ms), 0) FROM receipt WHERE epoch = :epoch
-- name: tables
SELECT name FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT IN ('migration', 'log', 'fate', 'conversation')
ORDER BY name
-- name: erased
UPDATE fate SET erased_ms = :erased_ms WHERE log = :log
-- name: forget_logs
UPDATE log SET code = '', keys = '[]', state = 'stopped'
-- name: forget_conversation
UPDATE conversation SET epoch = '', cursor = '', synced_ms = NULL, offset_ms = NULL, trouble = ''
