-- name: filters
SELECT id, person, name, query, role FROM saved_filter
WHERE page = :page AND (person = :person OR role <> '')
ORDER BY person <> :person, name, id;

-- name: replace_filter
DELETE FROM saved_filter WHERE page = :page AND person = :person AND name = :name;

-- name: count_filters
SELECT count(*) FROM saved_filter WHERE page = :page AND person = :person;

-- name: keep_filter
INSERT INTO saved_filter (id, person, page, name, query, role, made_at)
VALUES (:id, :person, :page, :name, :query, :role, :made_at);

-- name: drop_filter
DELETE FROM saved_filter WHERE person = :person AND id = :id;
