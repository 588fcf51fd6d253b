-- name: password
SELECT hash FROM staff_password WHERE person = :person;

-- name: keep_password
INSERT INTO staff_password (person, hash, changed_at) VALUES (:person, :hash, :changed_at)
ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at;

-- name: drop_password
DELETE FROM staff_password WHERE person = :person;

-- name: open_session
INSERT INTO staff_session (hash, id, person, made_at, seen_at, expires_at, agent, address)
VALUES (:hash, :id, :person, :made_at, :made_at, :expires_at, :agent, :address);

-- name: session
SELECT id, person, seen_at, expires_at FROM staff_session WHERE hash = :hash AND ended_at IS NULL;

-- name: saw_session
UPDATE staff_session SET seen_at = :seen_at WHERE hash = :hash AND ended_at IS NULL;

-- name: end_session
UPDATE staff_session SET ended_at = :ended_at WHERE person = :person AND id = :id AND ended_at IS NULL;

-- name: end_sessions
UPDATE staff_session SET ended_at = :ended_at WHERE person = :person AND id <> :but AND ended_at IS NULL;

-- name: forget_sessions
DELETE FROM staff_session WHERE person = :person;

-- name: drop_sessions
DELETE FROM staff_session WHERE expires_at < :before OR ended_at < :before;

-- name: sessions_of
SELECT id, made_at, seen_at, expires_at, agent, address FROM staff_session
WHERE person = :person AND ended_at IS NULL AND expires_at > :now_ms AND seen_at > :idle_since
ORDER BY seen_at DESC, id;

-- name: make_link
INSERT INTO staff_link (hash, person, purpose, made_by, made_at, expires_at)
VALUES (:hash, :person, :purpose, :made_by, :made_at, :expires_at);

-- name: link
SELECT person, purpose, expires_at FROM staff_link WHERE hash = :hash AND used_at IS NULL;

-- name: use_links
UPDATE staff_link SET used_at = :used_at WHERE person = :person AND used_at IS NULL;

-- name: links_of
SELECT purpose, made_by, made_at, expires_at FROM staff_link
WHERE person = :person AND used_at IS NULL AND expires_at > :now_ms ORDER BY made_at DESC;

-- name: who_has_a_password
SELECT person FROM staff_password ORDER BY person;

-- name: who_is_invited
SELECT DISTINCT person FROM staff_link WHERE used_at IS NULL AND expires_at > :now_ms ORDER BY person;

-- name: who_has_an_account
SELECT DISTINCT person FROM staff_identity ORDER BY person;
