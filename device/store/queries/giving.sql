-- name: begin
INSERT INTO giving (what, after, through) VALUES (:what, 0, :through)
ON CONFLICT (what) DO UPDATE SET after = 0, through = excluded.through
-- name: parts
SELECT what, after, through FROM giving ORDER BY what
-- name: given
UPDATE giving SET after = :through WHERE what = :what
-- name: done
DELETE FROM giving WHERE after >= through
-- name: last_document
SELECT coalesce(max(arrival), 0) FROM document
-- name: last_office_receipt
SELECT coalesce(max(arrival), 0) FROM office_receipt
-- name: last_pulled
SELECT coalesce(max(arrival), 0) FROM pulled
-- name: document
SELECT arrival, raw, jws FROM document WHERE arrival > :after AND arrival <= :through ORDER BY arrival LIMIT :most
-- name: office_receipt
SELECT arrival, CAST(text AS BLOB), jws FROM office_receipt
WHERE arrival > :after AND arrival <= :through ORDER BY arrival LIMIT :most
-- name: pulled
SELECT arrival, raw, jws FROM pulled
WHERE arrival > :after AND arrival <= :through AND jws <> '' ORDER BY arrival LIMIT :most
-- name: keep_office_receipt
INSERT INTO office_receipt (log, received_through, text, jws) VALUES (:log, :received_through, :text, :jws)
ON CONFLICT (log) DO UPDATE
SET received_through = excluded.received_through, text = excluded.text, jws = excluded.jws
WHERE excluded.received_through > received_through
-- name: roster
SELECT raw, jws FROM document WHERE name = 'roster' ORDER BY version DESC, arrival DESC LIMIT 1
