-- name: drop_jobs
DELETE FROM job_row;
-- name: drop_handovers
DELETE FROM handover_row;
-- name: drop_visits
DELETE FROM visit_row;
-- name: drop_items
DELETE FROM item_row;
-- name: drop_cases
DELETE FROM case_row;
-- name: drop_orders
DELETE FROM order_row;

-- name: drop_found
DELETE FROM found_by;
-- name: drop_words
DELETE FROM word;

-- name: keep_job
INSERT INTO job_row (job, id, state, site, accountable, rank, due_ms, open_cases, found, seen, changed_at, body)
VALUES (:job, :id, :state, :site, :accountable, :rank, :due_ms, :open_cases, :found, :seen, :changed_at, :body)
ON CONFLICT (job) DO UPDATE
SET state = excluded.state, site = excluded.site, accountable = excluded.accountable, rank = excluded.rank,
    due_ms = excluded.due_ms, open_cases = excluded.open_cases, found = excluded.found, seen = excluded.seen,
    changed_at = excluded.changed_at, body = excluded.body;

-- name: find_by
INSERT INTO found_by (key, job) VALUES (:key, :job)
ON CONFLICT (key, job) DO NOTHING;

-- name: lose
DELETE FROM found_by WHERE key = :key AND job = :job;

-- name: keep_word
INSERT INTO word (word, kind, id) VALUES (:word, :kind, :id)
ON CONFLICT (word, kind, id) DO NOTHING;

-- name: word_gone
DELETE FROM word
WHERE word = :word AND kind = :kind AND id = :id AND NOT EXISTS (SELECT 1 FROM found_by WHERE key = :key);

-- name: keep_handover
INSERT INTO handover_row (offer, job, state, offered_ms, escalate_ms, body)
VALUES (:offer, :job, :state, :offered_ms, :escalate_ms, :body)
ON CONFLICT (job, offer) DO UPDATE
SET state = excluded.state, offered_ms = excluded.offered_ms,
    escalate_ms = excluded.escalate_ms, body = excluded.body;

-- name: keep_visit
INSERT INTO visit_row (job, visit, received_at, site, arrived_ms, body)
VALUES (:job, :visit, :received_at, :site, :arrived_ms, :body)
ON CONFLICT (job, visit, received_at) DO UPDATE
SET site = excluded.site, arrived_ms = excluded.arrived_ms, body = excluded.body;

-- name: visits_now
SELECT v.visit, v.body FROM visit_row AS v
WHERE v.job = :job
    AND v.received_at = (
        SELECT max(o.received_at) FROM visit_row AS o WHERE o.job = v.job AND o.visit = v.visit
    );

-- name: mark_from
SELECT position, at FROM mark WHERE position >= :position ORDER BY position LIMIT 1;

-- name: matched_orders
SELECT DISTINCT name FROM order_row WHERE job <> -1;

-- name: drop_item
DELETE FROM item_row WHERE job = :job AND item = :key;

-- name: keep_item
INSERT INTO item_row (job, item, body) VALUES (:job, :item, :body)
ON CONFLICT (job, item) DO UPDATE SET body = excluded.body;

-- name: drop_case
DELETE FROM case_row WHERE job = :job AND basis = :key;

-- name: keep_case
INSERT INTO case_row (job, basis, state, body) VALUES (:job, :basis, :state, :body)
ON CONFLICT (job, basis) DO UPDATE SET state = excluded.state, body = excluded.body;

-- name: drop_order
DELETE FROM order_row WHERE job = :job AND name = :key;

-- name: waits_no_more
DELETE FROM order_row
WHERE job = -1 AND name = :name AND EXISTS (SELECT 1 FROM order_row AS o WHERE o.name = :name AND o.job <> -1);

-- name: clear_orders
DELETE FROM order_row WHERE job = :job;

-- name: keep_order
INSERT INTO order_row (job, name, site, source, kind, cancelled, changed_at, body)
VALUES (:job, :name, :site, :source, :kind, :cancelled, :changed_at, :body)
ON CONFLICT (name, job) DO UPDATE
SET site = excluded.site, source = excluded.source, kind = excluded.kind, cancelled = excluded.cancelled,
    changed_at = excluded.changed_at, body = excluded.body;

-- name: job_now
SELECT body, found FROM job_row WHERE job = :job;

-- name: handovers_now
SELECT offer, body FROM handover_row WHERE job = :job;

-- name: items_now
SELECT item, body FROM item_row WHERE job = :job;

-- name: cases_now
SELECT basis, body FROM case_row WHERE job = :job;

-- name: orders_now
SELECT name, body FROM order_row WHERE job = :job;

-- name: reach_now
SELECT key FROM reach WHERE job = :job AND until IS NULL;

-- name: unmatched_events
SELECT e.bytes, e.jws, l.kid FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE e.job = -1 ORDER BY e.position;

-- name: jobs
SELECT ref, job FROM job ORDER BY ref;

-- name: to_escalate
SELECT DISTINCT job FROM handover_row WHERE escalate_ms <= :now ORDER BY job LIMIT :most;
