-- `kids` is a JSON list of the keys of one device.

-- name: name_blob
INSERT INTO blob_named (sha256, log, seq, digest, size, type, original)
VALUES (:sha256, :log, :seq, :digest, :size, :type, :original)
ON CONFLICT (sha256, log, seq, digest) DO NOTHING;

-- name: named_by
SELECT b.size, b.type FROM blob_named AS b JOIN log AS l ON l.ref = b.log
WHERE b.sha256 = :sha256 AND l.kid IN (SELECT value FROM json_each(:kids))
ORDER BY b.log, b.seq, b.digest;

-- name: types
SELECT DISTINCT type FROM blob_named WHERE sha256 = :sha256;

-- name: jobs_of
SELECT e.job FROM blob_named AS b JOIN event AS e ON e.log = b.log AND e.seq = b.seq
WHERE b.sha256 = :sha256 AND b.digest = x'' AND e.job > 0
UNION
SELECT f.job FROM blob_named AS b JOIN fork AS f ON f.log = b.log AND f.seq = b.seq AND f.digest = b.digest
WHERE b.sha256 = :sha256 AND f.job > 0;

-- name: jobs_of_senders
SELECT e.job FROM blob_named AS b
JOIN event AS e ON e.log = b.log AND e.seq = b.seq
JOIN log AS l ON l.ref = b.log
JOIN blob AS s ON s.sha256 = b.sha256 AND s.kid = l.kid
WHERE b.sha256 = :sha256 AND b.digest = x'' AND e.job > 0
UNION
SELECT f.job FROM blob_named AS b
JOIN fork AS f ON f.log = b.log AND f.seq = b.seq AND f.digest = b.digest
JOIN log AS l ON l.ref = b.log
JOIN blob AS s ON s.sha256 = b.sha256 AND s.kid = l.kid
WHERE b.sha256 = :sha256 AND f.job > 0;

-- name: sent_by
SELECT size FROM blob WHERE sha256 = :sha256 AND kid IN (SELECT value FROM json_each(:kids)) LIMIT 1;

-- name: is_here
SELECT EXISTS (SELECT 1 FROM blob WHERE sha256 = :sha256);

-- name: keep
INSERT INTO blob (sha256, kid, size, received_at) VALUES (:sha256, :kid, :size, :received_at)
ON CONFLICT (sha256, kid) DO NOTHING;

-- name: drop
DELETE FROM blob WHERE sha256 = :sha256;

-- name: all
SELECT DISTINCT sha256 FROM blob;

-- name: taken_by
SELECT coalesce(sum(size), 0) FROM blob WHERE kid = :kid;
