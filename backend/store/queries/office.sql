-- name: document_newest
SELECT version, reference, bytes, jws, position FROM document WHERE key = :key
ORDER BY version DESC, position DESC LIMIT 1;

-- name: document_named
SELECT bytes, jws FROM document WHERE key = :key AND reference = :reference;

-- name: documents_after
SELECT key, reference, bytes, jws FROM document WHERE position > :position ORDER BY position;

-- name: document_keys
SELECT DISTINCT key FROM document ORDER BY key;

-- name: keep_document
INSERT INTO document (key, version, reference, bytes, jws, position)
VALUES (:key, :version, :reference, :bytes, :jws, :position);

-- name: drop_older
UPDATE document SET bytes = x'', jws = '' WHERE key = :key AND version < :version AND jws <> '';

-- name: members
SELECT m.id FROM master AS m
WHERE m.kind = 'person' AND m.until IS NULL
    AND EXISTS (SELECT 1 FROM json_each(m.body, '$.teams') AS t WHERE t.value = :team)
ORDER BY m.id;

-- name: masters
SELECT id, body FROM master WHERE kind = :kind AND until IS NULL ORDER BY id;

-- name: master
SELECT version, body FROM master WHERE kind = :kind AND id = :id AND until IS NULL;

-- name: master_versions
SELECT coalesce(max(version), 0) FROM master WHERE kind = :kind AND id = :id;

-- name: end_master
UPDATE master SET until = :until, ended_by = :ended_by WHERE kind = :kind AND id = :id AND until IS NULL;

-- name: begin_master
INSERT INTO master (kind, id, version, since, until, recorded_by, body)
VALUES (:kind, :id, :version, :since, NULL, :recorded_by, :body);

-- name: make_code
INSERT INTO enrol_code (hash, device, expires_at, made_at, made_by, printed)
VALUES (:hash, :device, :expires_at, :made_at, :made_by, :printed);

-- name: void_codes
UPDATE enrol_code SET voided = 1 WHERE device = :device AND kid IS NULL AND voided = 0;

-- name: code
SELECT device, expires_at, kid, genesis, voided FROM enrol_code WHERE hash = :hash;

-- name: use_code
UPDATE enrol_code SET kid = :kid, genesis = :genesis WHERE hash = :hash AND kid IS NULL;

-- name: action
SELECT person, asked, answer FROM action WHERE id = :id;

-- name: keep_action
INSERT INTO action (id, person, asked, answer, at) VALUES (:id, :person, :asked, :answer, :at);

-- name: device_keys
SELECT kid, key FROM device_key WHERE until IS NULL;

-- name: device_key_began
INSERT INTO device_key (kid, key, since) VALUES (:kid, :key, :since)
ON CONFLICT (kid, key, since) DO UPDATE SET until = NULL;

-- name: device_key_ended
UPDATE device_key SET until = :until WHERE kid = :kid AND key = :key AND until IS NULL;

-- name: reach_began
INSERT INTO reach (key, job, since) VALUES (:key, :job, :since)
ON CONFLICT (key, job, since) DO UPDATE SET until = NULL;

-- name: reach_ended
UPDATE reach SET until = :until WHERE key = :key AND job = :job AND until IS NULL;

-- name: open_jobs_of
SELECT id FROM job_row WHERE accountable = :party AND state = 'open' ORDER BY id;
