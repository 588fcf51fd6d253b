-- name: said
SELECT said FROM redaction WHERE hash = :hash
-- name: all
SELECT hash, said FROM redaction
-- name: known
SELECT count(*), coalesce(sum(length(said)), 0) FROM redaction
-- name: keep
INSERT INTO redaction (hash, said, log, seq) VALUES (:hash, :said, :log, :seq)
ON CONFLICT (hash) DO UPDATE SET said = excluded.said
-- name: forget
DELETE FROM redaction WHERE hash = :hash
-- name: own
SELECT e.log, e.seq, e.raw, EXISTS (SELECT 1 FROM outbox AS o WHERE o.log = e.log AND o.seq = e.seq)
FROM event AS e JOIN log AS l ON l.number = e.log WHERE l.log = :log AND e.seq = :seq
-- name: received
SELECT r.hash, r.said FROM redaction AS r
JOIN log AS l ON l.log = r.log
JOIN event AS e ON e.log = l.number AND e.seq = r.seq
WHERE r.done = 0 AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.log = e.log AND o.seq = e.seq)
ORDER BY r.log, r.seq
-- name: empty_own
UPDATE event SET raw = :line WHERE log = :log AND seq = :seq
-- name: pulled
SELECT raw, position, received_ms, jws FROM pulled WHERE hash = :hash
-- name: drop_pulled
DELETE FROM pulled WHERE hash = :hash
-- name: keep_pulled
INSERT INTO pulled (hash, position, received_ms, raw, jws, job)
VALUES (:hash, :position, :received_ms, :raw, :jws, :job)
-- name: give_too
UPDATE giving SET through = (SELECT max(arrival) FROM pulled) WHERE what = 'pulled'
-- name: is_named
SELECT EXISTS (SELECT 1 FROM event WHERE instr(raw, CAST(:sha256 AS BLOB)) > 0)
-- name: drop_blob
DELETE FROM blob WHERE sha256 = :sha256
-- name: drop_blob_receipts
DELETE FROM blob_receipt WHERE sha256 = :sha256
-- name: out
UPDATE redaction SET done = 1 WHERE hash = :hash AND done = 0
-- name: is_left
SELECT EXISTS (SELECT 1 FROM redaction WHERE done = 1)
-- name: gone
UPDATE redaction SET done = 2 WHERE done = 1
