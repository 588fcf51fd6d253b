-- name: record
INSERT INTO blob (sha256, size, type, original, recorded_ms) VALUES (:sha256, :size, :type, :original, :recorded_ms)
ON CONFLICT (sha256) DO UPDATE SET dropped_ms = NULL
-- name: kept
SELECT b.sha256, b.size, b.original <> '', r.sha256 IS NOT NULL
FROM blob AS b LEFT JOIN blob_receipt AS r ON r.sha256 = b.sha256 AND r.epoch = :epoch
WHERE b.dropped_ms IS NULL
ORDER BY b.number
-- name: waiting
SELECT count(*), coalesce(sum(b.size), 0) FROM blob AS b
WHERE b.dropped_ms IS NULL
    AND NOT EXISTS (SELECT 1 FROM blob_receipt AS r WHERE r.sha256 = b.sha256 AND r.epoch = :epoch)
-- name: keep_receipt
INSERT INTO blob_receipt (sha256, epoch, text, jws, kept_ms) VALUES (:sha256, :epoch, :text, :jws, :kept_ms)
ON CONFLICT (sha256, epoch) DO UPDATE SET text = excluded.text, jws = excluded.jws
-- name: forget_receipt
DELETE FROM blob_receipt WHERE sha256 = :sha256
-- name: ripe
SELECT b.sha256 FROM blob AS b JOIN blob_receipt AS r ON r.sha256 = b.sha256 AND r.epoch = :epoch
WHERE b.dropped_ms IS NULL AND r.kept_ms <= :before
ORDER BY b.number
-- name: dropped
UPDATE blob SET dropped_ms = :now_ms WHERE sha256 = :sha256
-- name: known
SELECT 1 FROM blob WHERE sha256 = :sha256 AND dropped_ms IS NULL
-- name: no_longer_told
DELETE FROM needs_you WHERE detail = :sha256
