-- name: pin
SELECT salt, hash, n, r, p, failures, boot, mono_ms, wall_ms FROM pin WHERE person = :person
-- name: keep
INSERT INTO pin (person, salt, hash, n, r, p) VALUES (:person, :salt, :hash, :n, :r, :p)
ON CONFLICT (person) DO UPDATE SET salt = :salt, hash = :hash, n = :n, r = :r, p = :p, failures = 0
-- name: attempted
UPDATE pin SET failures = :failures, boot = :boot, mono_ms = :mono_ms, wall_ms = :wall_ms WHERE person = :person
-- name: passed
UPDATE pin SET failures = 0 WHERE person = :person AND hash = :hash
-- name: people
SELECT person FROM pin ORDER BY person
-- name: forget
DELETE FROM pin WHERE person = :person
