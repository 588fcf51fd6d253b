-- name: last_mark
SELECT position, digest FROM mark ORDER BY position DESC LIMIT 1;

-- name: mark_from
SELECT position, digest FROM mark WHERE position >= :position ORDER BY position LIMIT 1;

-- name: epoch
SELECT value FROM setting WHERE name = 'epoch';

-- name: cursor_of
SELECT position FROM device_cursor WHERE kid = :kid;

-- name: note_cursor
INSERT INTO device_cursor (kid, position, at) VALUES (:kid, :position, :at)
ON CONFLICT (kid) DO UPDATE SET position = excluded.position, at = excluded.at
WHERE excluded.position > device_cursor.position;

-- name: keys_moved
SELECT EXISTS (
    SELECT 1 FROM device_key
    WHERE kid = :kid AND ((since > :after AND since <= :upto) OR (until > :after AND until <= :upto))
);

-- name: scope_at
SELECT DISTINCT r.job
FROM device_key AS d JOIN reach AS r ON r.key = d.key
WHERE d.kid = :kid
    AND d.since <= :at AND (d.until IS NULL OR d.until > :at)
    AND r.since <= :at AND (r.until IS NULL OR r.until > :at);

-- name: keys_at
SELECT key FROM device_key WHERE kid = :kid AND since <= :at AND (until IS NULL OR until > :at);

-- name: touched
SELECT DISTINCT job FROM touch WHERE position > :after AND position <= :upto;

-- name: reached
SELECT EXISTS (
    SELECT 1 FROM device_key AS d JOIN reach AS r ON r.key = d.key AND r.job = :job
    WHERE d.kid = :kid
        AND d.since <= :at AND (d.until IS NULL OR d.until > :at)
        AND r.since <= :at AND (r.until IS NULL OR r.until > :at)
);

-- name: events_between
SELECT position, log, seq, x'' FROM event WHERE job = :job AND position > :after AND position <= :upto
UNION ALL
SELECT position, log, seq, digest FROM fork WHERE job = :job AND position > :after AND position <= :upto
UNION ALL
SELECT position, log, seq, digest FROM about WHERE job = :job AND position > :after AND position <= :upto;

-- name: main_row
SELECT received_at, bytes, jws FROM event WHERE log = :log AND seq = :seq;

-- name: fork_row
SELECT received_at, bytes, jws FROM fork WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: documents_newest
SELECT d.key, d.reference, d.bytes, d.jws, d.position
FROM document AS d
WHERE d.position <= :upto
    AND d.version = (SELECT max(o.version) FROM document AS o WHERE o.key = d.key AND o.position <= :upto)
ORDER BY d.key;

-- name: references_newest
SELECT d.key, d.reference
FROM document AS d
WHERE d.position <= :upto
    AND d.version = (SELECT max(o.version) FROM document AS o WHERE o.key = d.key AND o.position <= :upto)
ORDER BY d.key;

-- name: document_named
SELECT bytes, jws FROM document WHERE reference = :reference AND (key = :key OR (:key = 'policy:' AND key LIKE 'policy:%'));

-- name: changed
SELECT c.position, l.log, c.log, c.seq, c.digest
FROM changed AS c JOIN log AS l ON l.ref = c.log
WHERE l.kid = :kid AND c.position > :after AND c.position <= :upto
ORDER BY c.position;

-- name: main_verdict
SELECT verdict FROM event WHERE log = :log AND seq = :seq;

-- name: fork_verdict
SELECT verdict FROM fork WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: reason
SELECT code, detail, waits_for FROM reason WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: job_name
SELECT job FROM job WHERE ref = :ref;
