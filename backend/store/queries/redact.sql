-- name: said
SELECT said FROM redaction WHERE hash = :hash;

-- name: any
SELECT EXISTS (SELECT 1 FROM redaction);

-- name: open
SELECT hash FROM redaction WHERE held = 0;

-- name: keep
INSERT INTO redaction (hash, said, held) VALUES (:hash, :said, 0)
ON CONFLICT (hash) DO UPDATE SET said = excluded.said;

-- name: met
UPDATE redaction SET held = 1 WHERE hash = :hash;

-- name: all
SELECT hash, said FROM redaction ORDER BY hash;

-- name: redactions_of
SELECT e.bytes, l.kid FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE l.staff = 1 AND e.job = 0 AND instr(e.bytes, CAST('"event.redacted"' AS BLOB)) > 0 AND instr(e.bytes, :hash) > 0
ORDER BY e.position;

-- name: empty_main
UPDATE event SET bytes = :line WHERE log = :log AND seq = :seq;

-- name: empty_fork
UPDATE fork SET bytes = :line WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: empty_half
UPDATE half SET bytes = :line WHERE digest = :hash;

-- name: half
SELECT log, seq, bytes, kid FROM half WHERE digest = :digest;

-- name: halves
SELECT digest, log, seq, bytes FROM half ORDER BY log, seq, digest;

-- name: fill_main
UPDATE event SET bytes = :bytes, jws = :jws WHERE log = :log AND seq = :seq;

-- name: fill_fork
UPDATE fork SET bytes = :bytes, jws = :jws WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: misplaced
SELECT log, seq, digest FROM reason WHERE code = 'misplaced';

-- name: jobs_about
SELECT job FROM about WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: blobs_of
SELECT sha256 FROM blob_named WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: unname_blobs
DELETE FROM blob_named WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: is_named
SELECT EXISTS (SELECT 1 FROM blob_named WHERE sha256 = :sha256);

-- name: blob_goes
INSERT INTO blob_gone (sha256) VALUES (:sha256) ON CONFLICT (sha256) DO NOTHING;

-- name: blobs_going
SELECT sha256 FROM blob_gone ORDER BY sha256;

-- name: blob_went
DELETE FROM blob_gone WHERE sha256 = :sha256;

-- name: witnesses
SELECT log, seq, x'' AS digest, bytes, verdict FROM event
WHERE instr(bytes, CAST('"code.witnessed"' AS BLOB)) > 0
UNION ALL
SELECT log, seq, digest, bytes, verdict FROM fork
WHERE instr(bytes, CAST('"code.witnessed"' AS BLOB)) > 0
ORDER BY 1, 2, 3;

-- name: rows
SELECT log, seq, x'' AS digest, bytes FROM event
UNION ALL
SELECT log, seq, digest, bytes FROM fork
ORDER BY 1, 2, 3;

-- name: rows_at
SELECT log, seq, x'' AS digest, bytes FROM event WHERE log = :log AND seq = :seq
UNION ALL
SELECT log, seq, digest, bytes FROM fork WHERE log = :log AND seq = :seq
ORDER BY 3;

-- name: names_of
SELECT version, body FROM master WHERE kind = :kind AND id = :id ORDER BY version;

-- name: named_before
SELECT id, max(since) FROM master WHERE kind = :kind AND json_extract(body, '$.name') IS NOT NULL
GROUP BY id HAVING max(since) < :before ORDER BY id;

-- name: rename
UPDATE master SET body = :body WHERE kind = :kind AND id = :id AND version = :version;

-- name: log_names
SELECT ref, log FROM log;
