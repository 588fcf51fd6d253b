-- `keys` is a JSON list of what the reader reaches; a row is shown where one of them reaches its job.

-- name: jobs
SELECT j.body, j.rank, j.due_ms, j.id FROM job_row AS j
WHERE (
        'site:*' IN (SELECT value FROM json_each(:keys))
        OR j.job IN (
            SELECT r.job FROM reach AS r
            WHERE r.key IN (SELECT value FROM json_each(:keys)) AND r.until IS NULL
        )
    )
    AND (:first = '' OR j.job IN (SELECT f.job FROM found_by AS f WHERE f.key = :first))
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:wanted) AS w
        WHERE NOT EXISTS (SELECT 1 FROM found_by AS f WHERE f.key = w.value AND f.job = j.job)
    )
    AND (:unseen = 0 OR EXISTS (SELECT 1 FROM found_by AS f WHERE f.key = 'is:offered' AND f.job = j.job) OR NOT EXISTS (
        SELECT 1 FROM device_key AS d JOIN device_cursor AS c ON c.kid = d.kid
        WHERE d.key = 'party:' || j.accountable AND d.until IS NULL AND c.position >= j.changed_at
    ))
    AND (j.rank, j.due_ms, j.job)
        > (:rank, :due_ms, (SELECT coalesce(max(n.ref), 0) FROM job_named AS n WHERE n.job = :id))
ORDER BY j.rank, j.due_ms, j.job
LIMIT :most;

-- name: reaches
SELECT EXISTS (
    SELECT 1 FROM reach AS r
    WHERE r.job = :job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
);

-- name: job
SELECT job, body FROM job_row WHERE job = (SELECT n.ref FROM job_named AS n WHERE n.job = :id);

-- name: handovers_of
SELECT body FROM handover_row WHERE job = :job ORDER BY offered_ms, offer;

-- name: visits_of
SELECT v.body FROM visit_row AS v
WHERE v.job = :job
    AND v.received_at = (SELECT max(o.received_at) FROM visit_row AS o WHERE o.job = v.job AND o.visit = v.visit)
ORDER BY coalesce(v.arrived_ms, 0), v.visit;

-- name: items_of
SELECT body FROM item_row WHERE job = :job ORDER BY item;

-- name: cases_of
SELECT body FROM case_row WHERE job = :job ORDER BY basis;

-- name: orders_of
SELECT body FROM order_row WHERE job = :job ORDER BY name;

-- name: timeline_of
SELECT e.position, e.received_at, e.bytes, e.jws IS NOT NULL, l.kid, l.staff
FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE e.job = :job
UNION ALL
SELECT f.position, f.received_at, f.bytes, f.jws IS NOT NULL, l.kid, l.staff
FROM fork AS f JOIN log AS l ON l.ref = f.log
WHERE f.job = :job
ORDER BY 1;

-- name: about_of
SELECT a.position, e.received_at, e.bytes, e.jws IS NOT NULL, l.kid, l.staff
FROM about AS a JOIN event AS e ON e.log = a.log AND e.seq = a.seq JOIN log AS l ON l.ref = e.log
WHERE a.job = :job
ORDER BY a.position;

-- name: handovers
SELECT h.body FROM handover_row AS h
WHERE EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = h.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
    AND (:state = '' OR h.state = :state)
    AND (h.offered_ms, h.offer) > (:offered_ms, :offer)
ORDER BY h.offered_ms, h.offer
LIMIT :most;

-- name: cases
SELECT c.body FROM case_row AS c
WHERE EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = c.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
    AND (:state = '' OR c.state = :state)
ORDER BY c.job, c.basis
LIMIT :most;

-- name: visits
SELECT v.body FROM visit_row AS v
WHERE EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = v.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
    AND v.received_at = (SELECT max(o.received_at) FROM visit_row AS o WHERE o.job = v.job AND o.visit = v.visit)
    AND (:site = '' OR v.site = :site)
    AND (v.job, v.visit) > ((SELECT coalesce(max(n.ref), 0) FROM job_named AS n WHERE n.job = :job), :visit)
ORDER BY v.job, v.visit
LIMIT :most;

-- name: orders
SELECT o.body, t.untold, t.asked FROM order_row AS o JOIN order_standing AS t ON t.job = o.job AND t.name = o.name
WHERE (
        (o.job <> -1 AND EXISTS (
            SELECT 1 FROM reach AS r
            WHERE r.job = o.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
        ))
        OR (o.job = -1 AND ('site:*' IN (SELECT value FROM json_each(:keys))
            OR 'site:' || o.site IN (SELECT value FROM json_each(:keys))))
    )
    AND (:view = '' OR (:view = 'waiting' AND o.job = -1 AND o.cancelled = 0)
        OR (:view = 'changed' AND t.untold) OR (:view = 'cancelled' AND t.asked))
    AND (:site = '' OR o.site = :site)
    AND (:source = '' OR o.source = :source)
    AND (:kind = '' OR o.kind = :kind)
    AND (:text = '' OR instr(lower(o.name || ' ' || coalesce(json_extract(o.body, '$.order.reference'), '') || ' '
        || coalesce(json_extract(o.body, '$.order.customer'), '') || ' '
        || coalesce(json_extract(o.body, '$.order.asset'), '') || ' '
        || coalesce(json_extract(o.body, '$.order.lines'), '')), lower(:text)) > 0)
    AND (:exact = '' OR o.name = :exact)
    AND o.name > :name
ORDER BY o.name
LIMIT :most;

-- name: order_counts
SELECT coalesce(sum(o.job = -1 AND o.cancelled = 0), 0), coalesce(sum(t.untold), 0), coalesce(sum(t.asked), 0)
FROM order_row AS o JOIN order_standing AS t ON t.job = o.job AND t.name = o.name
WHERE (
        (o.job <> -1 AND EXISTS (
            SELECT 1 FROM reach AS r
            WHERE r.job = o.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
        ))
        OR (o.job = -1 AND ('site:*' IN (SELECT value FROM json_each(:keys))
            OR 'site:' || o.site IN (SELECT value FROM json_each(:keys))))
    );

-- name: order_sources
SELECT DISTINCT source FROM order_row ORDER BY source LIMIT 200;

-- name: untold_of
SELECT name FROM order_standing WHERE job = :job AND (untold OR asked) ORDER BY name;

-- name: orders_named
SELECT body FROM order_row WHERE name = :name ORDER BY job DESC;

-- name: orders_waiting
SELECT body FROM order_row WHERE job = :job ORDER BY name;

-- name: job_for_reference
SELECT n.job FROM job_named AS n WHERE n.job = :reference
UNION
SELECT j.job FROM order_row AS o JOIN job AS j ON j.ref = o.job WHERE o.name = :reference
ORDER BY 1
LIMIT 1;

-- name: orders_ending
SELECT body FROM order_row
WHERE job <> -1 AND substr(name, length(name) - length(:reference)) = '/' || :reference
LIMIT 100;

-- name: jobs_at
SELECT body FROM job_row WHERE site = :site AND state = 'open' ORDER BY id LIMIT :most;

-- name: cursors
SELECT kid, position, at FROM device_cursor;

-- name: contacts
SELECT kid, at FROM contact;

-- name: found
SELECT j.job, j.body FROM found_by AS f JOIN job_row AS j ON j.job = f.job
WHERE f.key = :key
    AND EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = j.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
ORDER BY f.job DESC
LIMIT :most;

-- name: keys_of_job
SELECT found FROM job_row WHERE job = (SELECT n.ref FROM job_named AS n WHERE n.job = :id);
