-- name: versions
SELECT version, since, until, recorded_by, ended_by, body FROM master WHERE kind = :kind AND id = :id
ORDER BY version DESC;

-- name: counts
SELECT kind, count(*) FROM master WHERE until IS NULL GROUP BY kind;

-- name: leaving
SELECT at, recorded_by FROM master_leaving WHERE kind = :kind AND id = :id;

-- name: leave
INSERT INTO master_leaving (kind, id, at, recorded_by) VALUES (:kind, :id, :at, :recorded_by)
ON CONFLICT (kind, id) DO UPDATE SET at = excluded.at, recorded_by = excluded.recorded_by;

-- name: stay
DELETE FROM master_leaving WHERE kind = :kind AND id = :id;

-- name: left_by
SELECT kind, id, at, recorded_by FROM master_leaving WHERE at <= :now ORDER BY at, kind, id;

-- name: open_jobs_with
SELECT count(*) FROM job_row WHERE state = 'open' AND json_extract(body, :path) = :id;

-- name: keep_file
INSERT INTO master_file (id, name, bytes, sent_by, sent_at) VALUES (:id, :name, :bytes, :sent_by, :sent_at);

-- name: file
SELECT name, bytes, sent_by, sent_at, taken_at, told FROM master_file WHERE id = :id;

-- name: files
SELECT id, name, sent_by, sent_at, taken_at, told FROM master_file ORDER BY sent_at DESC, id LIMIT :most;

-- name: took_file
UPDATE master_file SET taken_at = :taken_at, told = :told WHERE id = :id;

-- name: forget_files
DELETE FROM master_file;

-- name: drop_files
DELETE FROM master_file WHERE id NOT IN (SELECT id FROM master_file ORDER BY sent_at DESC, id LIMIT :most);
