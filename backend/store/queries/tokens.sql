-- name: make
INSERT INTO api_token (hash, id, person, label, endpoints, made_by, made_at, expires_at)
VALUES (:hash, :id, :person, :label, :endpoints, :made_by, :made_at, :expires_at);

-- name: token
SELECT id, person, endpoints, expires_at, coalesce(used_at, 0) FROM api_token WHERE hash = :hash AND ended_at IS NULL;

-- name: used
UPDATE api_token SET used_at = :used_at WHERE id = :id;

-- name: tokens_of
SELECT id, label, endpoints, made_by, made_at, expires_at, used_at FROM api_token
WHERE person = :person AND ended_at IS NULL AND expires_at > :now_ms ORDER BY made_at DESC, id;

-- name: end
UPDATE api_token SET ended_at = :ended_at WHERE person = :person AND id = :id AND ended_at IS NULL;

-- name: end_all
UPDATE api_token SET ended_at = :ended_at WHERE person = :person AND ended_at IS NULL;
