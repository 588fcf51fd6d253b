-- 9223372036854775807, the largest position there can be, stands for what has not ended.

-- name: document_named
SELECT bytes FROM document WHERE key = :key AND reference = :reference;

-- name: roster_after
SELECT bytes FROM document WHERE key = 'roster' AND version > :version ORDER BY version, position LIMIT 1;

-- name: transaction_of
SELECT
    coalesce((SELECT max(m.position) FROM mark AS m WHERE m.position < :position), 0),
    coalesce((SELECT min(n.position) FROM mark AS n WHERE n.position >= :position), 9223372036854775807);

-- name: scope_of
SELECT key, since, coalesce(until, 9223372036854775807) FROM device_key WHERE kid = :kid;

-- name: scope_shared
SELECT
    r.since, coalesce(r.until, 9223372036854775807),
    d.since, coalesce(d.until, 9223372036854775807)
FROM device_key AS d JOIN reach AS r ON r.key = d.key AND r.job = :job
WHERE d.kid = :kid;
