-- What puts events in doubt, found again without reading every global event: forks told, keys revoked, promotions.
CREATE TABLE doubt (
    position INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO doubt (position, log, seq)
SELECT position, log, seq FROM event
WHERE job = 0 AND position IS NOT NULL
    AND json_extract(CAST(bytes AS TEXT), '$.kind') IN ('log.forked', 'device.revoked', 'event.promoted');
