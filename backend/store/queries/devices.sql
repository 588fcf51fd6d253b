-- name: devices
SELECT * FROM (
    SELECT m.id AS id, m.body, k.kid, k.since, k.revoked, c.at, c.recorded, c.oldest, c.blobs, c.wall,
        (SELECT l.through FROM log AS l WHERE l.kid = k.kid ORDER BY l.ref DESC LIMIT 1),
        o.expires_at, o.made_at, o.made_by, o.printed,
        CASE WHEN k.revoked = '' THEN 'enrolled' WHEN o.hash IS NOT NULL THEN 'waiting'
            WHEN k.kid IS NOT NULL THEN 'revoked' ELSE 'new' END AS state
    FROM master AS m
    LEFT JOIN enrolled_key AS k ON k.number = (
        SELECT n.number FROM enrolled_key AS n WHERE n.device = m.id ORDER BY n.revoked = '' DESC, n.number DESC LIMIT 1
    )
    LEFT JOIN contact AS c ON c.kid = k.kid
    LEFT JOIN enrol_code AS o ON o.device = m.id AND o.kid IS NULL AND o.voided = 0 AND o.expires_at > :now
    WHERE m.kind = 'device' AND m.until IS NULL
) AS listed
WHERE id > :after AND (:id = '' OR id = :id) AND (:state = '' OR state = :state)
    AND (:find = '' OR lower(id) LIKE :find ESCAPE '\' OR lower(body) LIKE :find ESCAPE '\')
ORDER BY id LIMIT :most;

-- name: device_logs
SELECT l.log, l.kid, l.through, l.highest, l.forked_at FROM log AS l
JOIN enrolled_key AS k ON k.kid = l.kid
WHERE k.device = :device AND l.staff = 0 ORDER BY l.ref DESC;

-- name: custody_of
SELECT e.seq, e.bytes FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE l.log = :log AND e.jws IS NOT NULL AND e.seq > 1 ORDER BY e.seq DESC LIMIT :most;

-- name: code_state
SELECT device, expires_at, kid, voided FROM enrol_code WHERE hash = :hash;
