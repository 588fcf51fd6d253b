-- name: conversation
SELECT epoch, cursor, synced_ms, offset_ms, trouble FROM conversation
-- name: enter_epoch
UPDATE conversation SET epoch = :epoch, cursor = ''
-- name: move_cursor
UPDATE conversation SET cursor = :cursor
-- name: note_clock
UPDATE conversation SET offset_ms = :offset_ms
-- name: note_sync
UPDATE conversation SET synced_ms = coalesce(:synced_ms, synced_ms), trouble = :trouble
-- name: keep_event
INSERT INTO pulled (hash, position, received_ms, raw, jws, job)
VALUES (:hash, :position, :received_ms, :raw, :jws, :job) ON CONFLICT (hash) DO NOTHING
-- name: own
SELECT raw FROM event JOIN log ON log.number = event.log WHERE log.log = :log AND event.seq = :seq
-- name: keep_document
INSERT INTO document (name, version, reference, raw, jws) VALUES (:name, :version, :reference, :raw, :jws)
ON CONFLICT (name, reference) DO NOTHING
-- name: drop_older_names
DELETE FROM document WHERE name = 'names' AND version < (SELECT max(version) FROM document WHERE name = 'names')
-- name: leave_job
INSERT INTO left_job (job) VALUES (:job) ON CONFLICT (job) DO NOTHING
-- name: enter_job
DELETE FROM left_job WHERE job = :job
-- name: drop_job
DELETE FROM pulled WHERE job = :job
-- name: left_jobs
SELECT job FROM left_job
-- name: events_after
SELECT arrival, raw, jws FROM pulled WHERE arrival > :after ORDER BY arrival
-- name: documents_after
SELECT arrival, name, version, reference, raw FROM document WHERE arrival > :after ORDER BY arrival
-- name: needs_you
INSERT INTO needs_you (slug, detail, since_ms) VALUES (:slug, :detail, :since_ms) ON CONFLICT (slug, detail) DO NOTHING
-- name: problems
SELECT number, slug, detail, since_ms FROM needs_you ORDER BY number
-- name: seen_to
DELETE FROM needs_you WHERE number = :number
