-- name: last_arrival
SELECT coalesce(max(arrival), 0) FROM signal
-- name: keep
INSERT INTO signal (source, native_key, device, type, t_recv_ms, t_eff_ms, said, topic, raw)
VALUES (:source, :native_key, :device, :type, :t_recv_ms, :t_eff_ms, :said, :topic, :raw)
ON CONFLICT (source, native_key) DO NOTHING
-- name: reject
INSERT INTO signal_reject (digest, topic, reason, detail, first_ms, last_ms, size, raw)
VALUES (:digest, :topic, :reason, :detail, :at_ms, :at_ms, :size, :raw)
ON CONFLICT (digest) DO UPDATE SET times = times + 1, last_ms = max(last_ms, excluded.last_ms)
-- name: keys_after
SELECT source, native_key FROM signal WHERE arrival > :arrival ORDER BY arrival
-- name: after
SELECT arrival, said FROM signal WHERE arrival > :arrival ORDER BY arrival LIMIT :most
-- name: between
SELECT said FROM signal WHERE t_eff_ms BETWEEN :from_ms AND :to_ms ORDER BY arrival
-- name: rejected
SELECT topic, reason, detail, first_ms, last_ms, times, size, raw FROM signal_reject ORDER BY number
-- name: forget
DELETE FROM signal WHERE arrival IN
    (SELECT arrival FROM signal WHERE t_recv_ms < :before_ms ORDER BY t_recv_ms LIMIT :most)
-- name: forget_rejected
DELETE FROM signal_reject WHERE number IN
    (SELECT number FROM signal_reject WHERE last_ms < :before_ms ORDER BY number LIMIT :most)
-- name: forget_sessions
DELETE FROM signal_session WHERE at_ms < :before_ms
    AND number NOT IN (SELECT max(number) FROM signal_session GROUP BY client)
-- name: was_here
SELECT 1 FROM signal_session WHERE client = :client LIMIT 1
-- name: connected
INSERT INTO signal_session (client, at_ms, present) VALUES (:client, :at_ms, :present)
-- name: sessions
SELECT client, at_ms, present FROM signal_session ORDER BY number
