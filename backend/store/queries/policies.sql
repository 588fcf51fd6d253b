-- name: note_change
INSERT INTO policy_change (boundary, reference, recorded_by, at) VALUES (:boundary, :reference, :recorded_by, :at)
ON CONFLICT (boundary, reference) DO NOTHING;

-- name: versions
SELECT d.reference, d.bytes, coalesce(c.recorded_by, ''), c.at FROM document AS d
LEFT JOIN policy_change AS c ON c.boundary = :boundary AND c.reference = d.reference
WHERE d.key = 'policy:' || :boundary
ORDER BY d.version DESC, d.position DESC;

-- name: offers_since
SELECT h.offer, h.job FROM handover_row AS h
WHERE EXISTS (
        SELECT 1 FROM reach AS r
        WHERE r.job = h.job AND r.until IS NULL AND r.key IN (SELECT value FROM json_each(:keys))
    )
    AND h.offered_ms >= :since
    AND json_extract(h.body, '$.boundary') = :boundary
ORDER BY h.offered_ms DESC, h.offer
LIMIT :most;
