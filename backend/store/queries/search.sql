-- All that a search asks of the database. SQLite's full-text index is not used: a word is found by its beginning in a
-- plain ordered table, which PostgreSQL has as well (a `COLLATE "C"` on `word` is all that it would need beside).
-- `keys` is a JSON list of what the reader reaches.

-- name: masters_now
SELECT kind, id, version FROM master WHERE until IS NULL;

-- name: master_body
SELECT body FROM master WHERE kind = :kind AND id = :id AND version = :version;

-- name: words_from
SELECT DISTINCT kind, id FROM word WHERE word >= :word AND word < :beyond ORDER BY word, kind, id LIMIT :most;

-- name: jobs_named
SELECT n.ref FROM job_named AS n WHERE n.job >= :name AND n.job < :beyond ORDER BY n.job LIMIT :most;

-- name: job_reached
SELECT j.body FROM job_row AS j
WHERE j.job = :job
    AND EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = j.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    );

-- name: waiting_orders
SELECT o.name, o.site FROM order_row AS o
WHERE o.job = -1
    AND ('site:*' IN (SELECT value FROM json_each(:keys))
        OR 'site:' || o.site IN (SELECT value FROM json_each(:keys)))
ORDER BY o.name;
