-- name: epoch
SELECT value FROM setting WHERE name = 'epoch';

-- name: newest
SELECT max(received_at) FROM (
    SELECT max(received_at) AS received_at FROM event WHERE job = :job
    UNION ALL
    SELECT max(received_at) FROM fork WHERE job = :job
);

-- name: batches_at
SELECT first, last, base, header, jws FROM batch
WHERE log = :log AND first <= :seq AND last >= :seq AND digests IS NULL
ORDER BY last - first, id;

-- name: witnesses
SELECT bytes FROM event WHERE log = :log AND verdict = 0 AND instr(bytes, CAST('"code.witnessed"' AS BLOB)) > 0
ORDER BY seq;

-- name: received
SELECT l.log, e.seq, x'', e.received_at FROM event AS e JOIN log AS l ON l.ref = e.log WHERE e.job = :job
UNION ALL
SELECT l.log, f.seq, f.digest, f.received_at FROM fork AS f JOIN log AS l ON l.ref = f.log WHERE f.job = :job;

-- name: rosters
SELECT reference, bytes FROM document WHERE key = 'roster' ORDER BY version, position;
