-- name: keep
INSERT INTO challenge (nonce, person, party, made_ms) VALUES (:nonce, :person, :party, :made_ms)
-- name: asked
SELECT party, offers FROM challenge WHERE nonce = :nonce
-- name: use
UPDATE challenge SET offers = :offers WHERE nonce = :nonce
