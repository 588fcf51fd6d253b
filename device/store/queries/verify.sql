-- name: logs
SELECT number, log, kid, keys FROM log ORDER BY number
-- name: events
SELECT seq, raw, chain, jws FROM event WHERE log = :log ORDER BY seq
-- name: receipts
SELECT epoch, received_through, text, jws FROM receipt WHERE log = :log ORDER BY kept_ms, epoch
-- name: outbox
SELECT seq FROM outbox WHERE log = :log ORDER BY seq
-- name: homeless
SELECT log, seq FROM event WHERE log NOT IN (SELECT number FROM log)
UNION SELECT log, seq FROM outbox WHERE NOT EXISTS (
    SELECT 1 FROM event WHERE event.log = outbox.log AND event.seq = outbox.seq
)
ORDER BY 1, 2
-- name: epoch
SELECT epoch FROM conversation
-- name: erased
SELECT log FROM fate WHERE erased_ms IS NOT NULL
-- name: pulled
SELECT arrival, hash, raw, jws FROM pulled ORDER BY arrival
-- name: documents
SELECT name, version, reference, raw, jws FROM document ORDER BY name, version, reference
-- name: redactions
SELECT raw, jws FROM pulled
WHERE instr(raw, CAST('"event.redacted"' AS BLOB)) > 0 AND instr(raw, :hash) > 0 ORDER BY arrival
