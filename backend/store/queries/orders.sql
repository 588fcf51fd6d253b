-- `keys` is a JSON list of what the reader reaches.

-- name: mapping
SELECT body FROM order_mapping WHERE name = :name;

-- name: mappings
SELECT name, body, changed_by, changed_at FROM order_mapping ORDER BY name;

-- name: keep_mapping
INSERT INTO order_mapping (name, body, changed_by, changed_at) VALUES (:name, :body, :changed_by, :changed_at)
ON CONFLICT (name) DO UPDATE
SET body = excluded.body, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: drop_mapping
DELETE FROM order_mapping WHERE name = :name;

-- name: keep_run
INSERT INTO order_run (file, via, mapping, made_by, at, rows, aside, body)
VALUES (:file, :via, :mapping, :made_by, :at, :rows, :aside, :body)
RETURNING id;

-- name: runs
SELECT id, file, via, mapping, made_by, at, rows, aside, body,
    (SELECT count(*) FROM order_aside AS a WHERE a.run = r.id AND a.state = '')
FROM order_run AS r
WHERE id < :before AND (:everything = 1 OR made_by = :person)
ORDER BY id DESC LIMIT :most;

-- name: run
SELECT id, file, via, mapping, made_by, at, rows, aside, body,
    (SELECT count(*) FROM order_aside AS a WHERE a.run = r.id AND a.state = '')
FROM order_run AS r WHERE id = :id AND (:everything = 1 OR made_by = :person);

-- name: keep_aside
INSERT INTO order_aside (run, line, field, found, remedy, cells, name, item, site, digest, state, settled_by, settled_at,
    reason)
VALUES (:run, :line, :field, :found, :remedy, :cells, :name, :item, :site, :digest, :state, :settled_by, :settled_at,
    :reason);

-- name: settled_before
SELECT state, settled_by, settled_at, reason FROM order_aside
WHERE digest = :digest AND state IN ('mended', 'dismissed')
ORDER BY id DESC LIMIT 1;

-- name: replace_same
UPDATE order_aside SET state = 'replaced', settled_at = :at WHERE digest = :digest AND state = '' AND run <> :run;

-- name: replace_file
UPDATE order_aside SET state = 'replaced', settled_at = :at
WHERE state = '' AND run IN (SELECT id FROM order_run WHERE file = :file AND id <> :run);

-- name: waiting_names
SELECT id, name, item FROM order_aside WHERE state = '' AND name <> '' AND run <> :run;

-- name: settle_aside
UPDATE order_aside
SET state = :state, settled_by = :settled_by, settled_at = :settled_at, reason = :reason
WHERE id = :id AND state = '';

-- name: asides
SELECT a.id, a.run, a.line, a.field, a.found, a.remedy, a.cells, a.state, a.settled_by, a.settled_at, a.reason, r.file,
    r.at, r.made_by
FROM order_aside AS a JOIN order_run AS r ON r.id = a.run
WHERE (:run = 0 OR a.run = :run) AND (:waiting = 0 OR a.state = '') AND (:id = 0 OR a.id = :id)
    AND (r.made_by = :person OR 'site:*' IN (SELECT value FROM json_each(:keys))
        OR 'site:' || a.site IN (SELECT value FROM json_each(:keys)))
    AND a.id > :after
ORDER BY a.id LIMIT :most;

-- name: count_asides
SELECT count(*) FROM order_aside AS a JOIN order_run AS r ON r.id = a.run
WHERE a.state = ''
    AND (r.made_by = :person OR 'site:*' IN (SELECT value FROM json_each(:keys))
        OR 'site:' || a.site IN (SELECT value FROM json_each(:keys)));

-- name: keep_upload
INSERT INTO order_upload (id, file, raw, mapping, body, made_by, at)
VALUES (:id, :file, :raw, :mapping, :body, :made_by, :at);

-- name: upload
SELECT file, raw, mapping, body FROM order_upload WHERE id = :id AND made_by = :person;

-- name: map_upload
UPDATE order_upload SET mapping = :mapping, body = :body WHERE id = :id AND made_by = :person;

-- name: drop_upload
DELETE FROM order_upload WHERE id = :id AND made_by = :person;

-- name: drop_old_uploads
DELETE FROM order_upload WHERE at < :before;

-- name: settle_cancelled
INSERT INTO order_settled (cancel, name, decision, reason, settled_by, at)
VALUES (:cancel, :name, :decision, :reason, :settled_by, :at)
ON CONFLICT (cancel) DO NOTHING;

-- name: settled_of
SELECT cancel, decision, reason, settled_by, at FROM order_settled WHERE name = :name ORDER BY at;

-- name: said_about
SELECT position, received_at, bytes FROM event WHERE job = :job
UNION ALL
SELECT position, received_at, bytes FROM fork WHERE job = :job
ORDER BY 1;
