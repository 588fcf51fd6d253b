-- name: bind
INSERT INTO enrolled_key (kid, device, x, since) VALUES (:kid, :device, :x, :since)
ON CONFLICT (kid) DO NOTHING;

-- name: enrolled
SELECT kid, device, x, since, revoked FROM enrolled_key ORDER BY device, number;

-- name: enrolled_of
SELECT kid, device, x, since, revoked FROM enrolled_key WHERE device = :device ORDER BY number;

-- name: enrolled_key
SELECT kid, device, x, since, revoked FROM enrolled_key WHERE kid = :kid;

-- name: end_key
UPDATE enrolled_key SET revoked = :revoked WHERE kid = :kid;

-- name: taken
SELECT EXISTS (SELECT 1 FROM enrolled_key WHERE kid = :kid)
    OR EXISTS (SELECT 1 FROM backend_key WHERE kid = :kid)
    OR EXISTS (SELECT 1 FROM log WHERE kid = :kid);

-- name: add_backend_key
INSERT INTO backend_key (kid, x, since) VALUES (:kid, :x, :since) ON CONFLICT (kid) DO NOTHING;

-- name: backend_keys
SELECT kid, x, since FROM backend_key
ORDER BY kid = (SELECT value FROM setting WHERE name = 'key') DESC, number DESC;

-- name: key_in_use
SELECT value FROM setting WHERE name = 'key';

-- name: note_key_change
INSERT INTO key_change (position, reference) VALUES (:position, :reference);

-- name: revocations
SELECT hash, kid, said FROM revocation ORDER BY hash, kid;

-- name: keep_revocation
INSERT INTO revocation (hash, kid, said) VALUES (:hash, :kid, :said) ON CONFLICT (hash, kid) DO NOTHING;

-- name: promoted
SELECT EXISTS (SELECT 1 FROM promotion WHERE hash = :hash);

-- name: keep_promotion
INSERT INTO promotion (hash) VALUES (:hash) ON CONFLICT (hash) DO NOTHING;

-- name: witnessed_by
SELECT kid FROM witnessed WHERE hash = :hash;

-- name: keep_witnessed
INSERT INTO witnessed (hash, kid) VALUES (:hash, :kid) ON CONFLICT (hash, kid) DO NOTHING;

-- name: put_aside
INSERT INTO put_aside (hash, log, seq, digest) VALUES (:hash, :log, :seq, :digest) ON CONFLICT (hash) DO NOTHING;

-- name: aside
SELECT log, seq, digest FROM put_aside WHERE hash = :hash;

-- name: all_aside
SELECT p.hash, k.device, l.kid, l.log, p.seq, p.digest, coalesce(f.bytes, e.bytes), coalesce(f.received_at, e.received_at)
FROM put_aside AS p
JOIN log AS l ON l.ref = p.log
LEFT JOIN enrolled_key AS k ON k.kid = l.kid
LEFT JOIN event AS e ON e.log = p.log AND e.seq = p.seq AND p.digest = x''
LEFT JOIN fork AS f ON f.log = p.log AND f.seq = p.seq AND f.digest = p.digest
WHERE coalesce(f.verdict, e.verdict) = 3
ORDER BY k.device, l.log, p.seq, p.digest;

-- name: chained
SELECT seq, x'' AS digest, chain, verdict FROM event WHERE log = :log AND chain IS NOT NULL
UNION ALL
SELECT seq, digest, chain, verdict FROM fork WHERE log = :log AND chain IS NOT NULL
ORDER BY 1, 2;

-- name: judged_unchained
SELECT bytes FROM event WHERE log = :log AND chain IS NULL AND verdict IN (0, 1)
UNION ALL
SELECT bytes FROM fork WHERE log = :log AND chain IS NULL AND verdict IN (0, 1);

-- name: not_final
SELECT seq, x'' AS digest, verdict FROM event WHERE log = :log AND verdict IN (2, 3)
UNION ALL
SELECT seq, digest, verdict FROM fork WHERE log = :log AND verdict IN (2, 3)
ORDER BY 1, 2;

-- name: forked_logs
SELECT ref, forked_at FROM log WHERE forked_at > 0;

-- name: disputed
SELECT seq, x'' AS digest, bytes FROM event WHERE log = :log AND seq >= :seq
UNION ALL
SELECT seq, digest, bytes FROM fork WHERE log = :log AND seq >= :seq;

-- name: reached_by
SELECT r.key FROM reach AS r JOIN job AS j ON j.ref = r.job WHERE j.job = :job AND r.until IS NULL;

-- name: key_changes
SELECT d.bytes, d.jws FROM key_change AS c JOIN document AS d ON d.key = 'roster' AND d.reference = c.reference
WHERE c.position > :after AND c.position <= :upto
ORDER BY c.position;

-- name: backend_key_rows
SELECT kid, since FROM backend_key ORDER BY number;
