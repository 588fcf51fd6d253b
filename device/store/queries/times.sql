-- name: keep
INSERT INTO anchor (one, id, version, boot, mono_ms, trip_ms) VALUES (1, :id, :version, :boot, :mono_ms, :trip_ms)
ON CONFLICT (one) DO UPDATE SET id = excluded.id, version = excluded.version, boot = excluded.boot,
    mono_ms = excluded.mono_ms, trip_ms = excluded.trip_ms
WHERE excluded.version > anchor.version
-- name: within
SELECT id, version, mono_ms, trip_ms FROM anchor WHERE boot = :boot
