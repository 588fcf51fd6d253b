-- name: identity
SELECT person FROM staff_identity WHERE issuer = :issuer AND subject = :subject;

-- name: link
INSERT INTO staff_identity (issuer, subject, person, email, linked_at)
VALUES (:issuer, :subject, :person, :email, :linked_at);

-- name: identities_of
SELECT issuer, subject, email, linked_at FROM staff_identity WHERE person = :person ORDER BY issuer, subject;

-- name: unlink
DELETE FROM staff_identity WHERE person = :person AND issuer = :issuer;

-- name: unlink_all
DELETE FROM staff_identity WHERE person = :person;

-- name: depart
INSERT INTO staff_departure (hash, binding, provider, nonce, verifier, back, person, session, expires_at)
VALUES (:hash, :binding, :provider, :nonce, :verifier, :back, :person, :session, :expires_at);

-- name: departure
SELECT binding, provider, nonce, verifier, back, person, session, expires_at FROM staff_departure WHERE hash = :hash;

-- name: arrive
DELETE FROM staff_departure WHERE hash = :hash OR expires_at <= :now_ms;

-- name: departures
SELECT count(*) FROM staff_departure;
