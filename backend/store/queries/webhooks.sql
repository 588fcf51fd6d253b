-- name: webhooks
SELECT id, label, url, kinds, sites, state, failures, rests_until, said, made_by, made_at, former_until FROM webhook
ORDER BY label, id;

-- name: webhook
SELECT id, label, url, kinds, sites, state, failures, rests_until, said, made_by, made_at, former_until FROM webhook
WHERE id = :id;

-- name: secrets
SELECT secret, former_secret, former_until FROM webhook WHERE id = :id;

-- name: add
INSERT INTO webhook (id, label, url, kinds, sites, secret, filled, made_by, made_at)
VALUES (:id, :label, :url, :kinds, :sites, :secret, :filled, :made_by, :made_at);

-- name: change
UPDATE webhook SET label = :label, url = :url, kinds = :kinds, sites = :sites, failures = 0, rests_until = 0
WHERE id = :id;

-- name: set_state
UPDATE webhook SET state = :state, failures = 0, rests_until = 0 WHERE id = :id;

-- name: rotate
UPDATE webhook SET former_secret = secret, former_until = :former_until, secret = :secret WHERE id = :id;

-- name: remove
DELETE FROM webhook WHERE id = :id;

-- name: remove_messages
DELETE FROM webhook_message WHERE webhook = :id;

-- name: unfilled
SELECT id, kinds, sites, filled FROM webhook WHERE state <> 'gone' AND filled < :upto ORDER BY id;

-- name: filled
UPDATE webhook SET filled = :upto WHERE id = :id;

-- name: lowest_filled
SELECT min(filled) FROM webhook WHERE state <> 'gone';

-- name: last_position
SELECT coalesce(max(position), 0) FROM mark;

-- name: mark_upto
SELECT coalesce(
    (SELECT max(position) FROM mark WHERE position > :after AND position <= :after + :most),
    (SELECT min(position) FROM mark WHERE position > :after),
    :after
);

-- name: jobs_touched
SELECT DISTINCT job FROM touch WHERE position > :after AND position <= :upto;

-- name: events_of
SELECT position, log, seq, x'', bytes FROM event WHERE job = :job AND position > :after AND position <= :upto
UNION ALL
SELECT position, log, seq, digest, bytes FROM fork WHERE job = :job AND position > :after AND position <= :upto
ORDER BY 1;

-- name: sites_of
SELECT key FROM reach WHERE job = :job AND until IS NULL AND substr(key, 1, 5) = 'site:';

-- name: put
INSERT INTO webhook_message (webhook, position, message, kind, log, seq, digest, made_at, due_at)
VALUES (:webhook, :position, :message, :kind, :log, :seq, :digest, :made_at, :made_at)
ON CONFLICT (webhook, position) DO NOTHING;

-- name: due
SELECT m.webhook, m.position, m.message, m.kind, m.log, m.seq, m.digest, m.made_at, m.attempts FROM webhook_message AS m
WHERE m.webhook = :id AND m.state = 'waiting' AND m.due_at <= :now_ms
ORDER BY m.position
LIMIT :most;

-- name: ready
SELECT w.id FROM webhook AS w
WHERE w.state = 'active' AND w.rests_until <= :now_ms
    AND EXISTS (
        SELECT 1 FROM webhook_message AS m WHERE m.webhook = w.id AND m.state = 'waiting' AND m.due_at <= :now_ms
    )
ORDER BY w.id;

-- name: main_row
SELECT received_at, bytes FROM event WHERE log = :log AND seq = :seq;

-- name: fork_row
SELECT received_at, bytes FROM fork WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: job_of
SELECT j.job FROM event AS e JOIN job AS j ON j.ref = e.job WHERE e.log = :log AND e.seq = :seq;

-- name: sent
UPDATE webhook_message SET state = 'sent', attempts = attempts + 1, done_at = :now_ms, status = :status, error = ''
WHERE webhook = :webhook AND position = :position;

-- name: failed
UPDATE webhook_message
SET state = :state, attempts = attempts + 1, due_at = :due_at, done_at = :done_at, status = :status, error = :error
WHERE webhook = :webhook AND position = :position;

-- name: answered
UPDATE webhook SET failures = 0, rests_until = 0, said = '' WHERE id = :id;

-- name: rests
UPDATE webhook SET failures = failures + 1, rests_until = :until, said = :said WHERE id = :id;

-- name: gone
UPDATE webhook SET state = 'gone', said = :said WHERE id = :id;

-- name: bury_old
UPDATE webhook_message SET state = 'dead', done_at = :now_ms, error = :error
WHERE webhook = :id AND state = 'waiting' AND made_at < :before;

-- name: bury_all
UPDATE webhook_message SET state = 'dead', done_at = :now_ms, error = :error WHERE webhook = :id AND state = 'waiting';

-- name: again
UPDATE webhook_message SET state = 'waiting', attempts = 0, due_at = :now_ms, made_at = :now_ms, done_at = NULL
WHERE webhook = :webhook AND position = :position AND state = 'dead';

-- name: again_all
UPDATE webhook_message SET state = 'waiting', attempts = 0, due_at = :now_ms, made_at = :now_ms, done_at = NULL
WHERE webhook = :id AND state = 'dead';

-- name: forget_sent
DELETE FROM webhook_message WHERE state = 'sent' AND done_at < :before;

-- name: counts
SELECT webhook, state, count(*) FROM webhook_message GROUP BY webhook, state;

-- name: messages
SELECT position, message, kind, state, made_at, due_at, attempts, done_at, status, error FROM webhook_message
WHERE webhook = :id AND state = :state
ORDER BY position DESC
LIMIT :most;
