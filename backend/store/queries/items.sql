-- `keys` is a JSON list of what the reader reaches.

-- name: jobs_needing
SELECT j.job, j.body FROM found_by AS f JOIN job_row AS j ON j.job = f.job
WHERE f.key = :first AND f.job < :below
    AND NOT EXISTS (
        SELECT 1 FROM json_each(:wanted) AS w
        WHERE NOT EXISTS (SELECT 1 FROM found_by AS o WHERE o.key = w.value AND o.job = f.job)
    )
    AND EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = j.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
ORDER BY f.job DESC
LIMIT :most;

-- name: item_of
SELECT body FROM item_row WHERE job = :job AND item = :item;

-- name: items_of
SELECT body FROM item_row WHERE job = :job ORDER BY item;

-- name: orders_of
SELECT body FROM order_row WHERE job = :job ORDER BY name;
