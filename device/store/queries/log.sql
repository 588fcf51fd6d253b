-- name: current
SELECT number, log, kid, url, code, fingerprint, device, keys, state FROM log ORDER BY number DESC LIMIT 1
-- name: former
SELECT number, log, kid, url, code, fingerprint, device, state FROM log
WHERE state <> 'asked' AND EXISTS (SELECT 1 FROM outbox WHERE outbox.log = log.number) ORDER BY number
-- name: open_log
INSERT INTO log (log, kid, url, code, fingerprint) VALUES (:log, :kid, :url, :code, :fingerprint)
-- name: ask_again
UPDATE log SET url = :url, code = :code, fingerprint = :fingerprint WHERE number = :number
-- name: enrolled
UPDATE log SET state = 'enrolled', device = :device, keys = :keys WHERE number = :number AND state = 'asked'
-- name: keys
UPDATE log SET keys = :keys WHERE number = :number
-- name: stop
UPDATE log SET state = 'stopped' WHERE log = :log
-- name: logs
SELECT number, log, kid, state FROM log ORDER BY number
-- name: head
SELECT seq, chain FROM event WHERE log = :log ORDER BY seq DESC LIMIT 1
-- name: chain_at
SELECT chain FROM event WHERE log = :log AND seq = :seq
-- name: append
INSERT INTO event (log, seq, raw, chain, jws, recorded_ms) VALUES (:log, :seq, :raw, :chain, :jws, :recorded_ms)
-- name: put_out
INSERT INTO outbox (log, seq) VALUES (:log, :seq)
-- name: put_out_again
INSERT INTO outbox (log, seq) SELECT log, seq FROM event WHERE log = :log AND seq > :through ON CONFLICT DO NOTHING
-- name: received
DELETE FROM outbox WHERE log = :log AND seq <= :through
-- name: events_after
SELECT seq, raw, jws, chain FROM event WHERE log = :log AND seq > :after ORDER BY seq
-- name: events_between
SELECT raw, jws FROM event WHERE log = :log AND seq BETWEEN :first AND :last ORDER BY seq
-- name: keep_receipt
INSERT INTO receipt (log, epoch, received_through, text, jws, kept_ms)
VALUES (:log, :epoch, :received_through, :text, :jws, :kept_ms)
ON CONFLICT (log, epoch) DO UPDATE SET received_through = excluded.received_through, text = excluded.text,
    jws = excluded.jws, kept_ms = excluded.kept_ms
-- name: forget_receipts
DELETE FROM receipt WHERE epoch = :epoch
-- name: receipt
SELECT received_through, text, jws FROM receipt WHERE log = :log AND epoch = :epoch
-- name: keep_verdict
INSERT INTO verdict (log, seq, verdict, code, detail, remedy, told_ms)
VALUES (:log, :seq, :verdict, :code, :detail, :remedy, :told_ms)
ON CONFLICT (log, seq) DO UPDATE SET verdict = excluded.verdict, code = excluded.code, detail = excluded.detail,
    remedy = excluded.remedy, told_ms = excluded.told_ms
WHERE verdict.verdict IN ('parked', 'quarantined') OR excluded.verdict IN ('applied', 'refused')
-- name: refused
SELECT seq FROM verdict WHERE log = :log AND verdict = 'refused' ORDER BY seq
-- name: verdicts
SELECT seq, verdict, code, detail, remedy FROM verdict WHERE log = :log AND verdict <> 'applied' ORDER BY seq
-- name: judged
SELECT verdict, count(*) FROM verdict WHERE log = :log GROUP BY verdict
-- name: outbox
SELECT count(*), min(event.recorded_ms) FROM outbox JOIN event USING (log, seq)
