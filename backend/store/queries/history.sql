-- name: past_visits
SELECT body, received_at FROM past_visit ORDER BY visit;

-- name: keep_past_visit
INSERT INTO past_visit (visit, body, received_at) VALUES (:visit, :body, :received_at);

-- name: visit_versions
SELECT body, received_at FROM visit_row ORDER BY job, visit, received_at;

-- name: switch_ons
SELECT site, received_at, live_from FROM switch_on ORDER BY site, received_at;

-- name: keep_switch_on
INSERT INTO switch_on (site, received_at, live_from) VALUES (:site, :received_at, :live_from)
ON CONFLICT (site, received_at) DO UPDATE SET live_from = excluded.live_from;

-- name: clear_quarantine
DELETE FROM quarantined_row WHERE source = :source;

-- name: quarantine
INSERT INTO quarantined_row (source, line, field, detail, remedy, at)
VALUES (:source, :line, :field, :detail, :remedy, :at);

-- name: quarantined
SELECT source, line, field, detail, remedy FROM quarantined_row ORDER BY source, line, id;

-- name: note_caught_up
INSERT INTO caught_up (kid, hour, at) VALUES (:kid, :hour, :at)
ON CONFLICT (kid, hour) DO NOTHING;

-- name: caught_up
SELECT kid, max(at) FROM caught_up WHERE at <= :as_of GROUP BY kid;

-- name: site_keys
SELECT kid, key FROM device_key
WHERE key LIKE 'site:%'
    AND since <= (SELECT coalesce(max(position), 0) FROM mark WHERE at <= :as_of)
    AND (until IS NULL OR until > (SELECT coalesce(max(position), 0) FROM mark WHERE at <= :as_of));

-- name: setting
SELECT value FROM setting WHERE name = :name;

-- name: keep_setting
INSERT INTO setting (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: orders_waiting
SELECT body FROM order_row WHERE job = -1 ORDER BY name;

-- name: open_jobs_at
SELECT body FROM job_row WHERE state = 'open' AND site = :site ORDER BY id;
