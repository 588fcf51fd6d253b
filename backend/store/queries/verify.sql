-- name: logs
SELECT ref, log, kid, jwk, staff, through, head, highest, forked_at FROM log ORDER BY ref;

-- name: main_of
SELECT seq, bytes, chain, verdict, position, jws, job FROM event WHERE log = :log ORDER BY seq;

-- name: forks_of
SELECT seq, bytes, chain, verdict, position, jws, job, digest FROM fork WHERE log = :log ORDER BY seq, digest;

-- name: batches_of
SELECT first, last, base, header, jws, digests FROM batch WHERE log = :log ORDER BY first, id;

-- name: without_log
SELECT log, seq FROM event WHERE log NOT IN (SELECT ref FROM log)
UNION ALL
SELECT log, seq FROM fork WHERE log NOT IN (SELECT ref FROM log)
ORDER BY 1, 2 LIMIT 1;

-- name: losses
SELECT e.bytes FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE l.staff = 1 AND e.verdict = 0 AND instr(e.bytes, CAST('"loss.declared"' AS BLOB)) > 0;

-- name: documents
SELECT key, version, reference, bytes, jws FROM document ORDER BY key, version;

-- name: marks
SELECT position, digest FROM mark ORDER BY position;

-- name: positions
SELECT position, log, seq, x'', NULL FROM event WHERE position IS NOT NULL
UNION ALL
SELECT position, log, seq, digest, NULL FROM fork WHERE position IS NOT NULL
UNION ALL
SELECT position, 0, 0, x'', reference FROM document
UNION ALL
SELECT position, 0, 0, x'', reference FROM key_change
ORDER BY 1;

-- name: not_applied
SELECT e.log, l.log, l.kid, e.seq, x'', e.bytes, e.jws, e.verdict FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE e.verdict <> 0
UNION ALL
SELECT f.log, l.log, l.kid, f.seq, f.digest, f.bytes, f.jws, f.verdict FROM fork AS f JOIN log AS l ON l.ref = f.log
WHERE f.verdict <> 0
ORDER BY 1, 4, 5;

-- name: openings
SELECT j.ref, j.job, j.hash FROM job AS j ORDER BY j.ref;

-- name: has_been_restored
SELECT EXISTS (SELECT 1 FROM ended_epoch);

-- name: redactions
SELECT e.bytes FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE l.staff = 1 AND e.verdict = 0 AND instr(e.bytes, CAST('"event.redacted"' AS BLOB)) > 0;

-- name: bytes_at
SELECT e.bytes FROM event AS e JOIN log AS l ON l.ref = e.log WHERE l.log = :log AND e.seq = :seq
UNION ALL
SELECT f.bytes FROM fork AS f JOIN log AS l ON l.ref = f.log WHERE l.log = :log AND f.seq = :seq;
