-- Every key a device ever had: none is left out of a roster, so that its log can be sent whatever became of it.
-- `revoked` says why it may record no more, empty while it may.
CREATE TABLE enrolled_key (
    number INTEGER PRIMARY KEY,
    kid TEXT NOT NULL UNIQUE,
    device TEXT NOT NULL,
    x TEXT NOT NULL,
    since INTEGER NOT NULL,
    revoked TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX enrolled_key_device ON enrolled_key (device);

-- Until now a device had one key, in its row, and enrolling it anew dropped the one before.
INSERT INTO enrolled_key (kid, device, x, since, revoked)
SELECT l.kid, m.id, l.jwk, min(m.since), CASE WHEN max(m.until IS NULL) THEN '' ELSE 'left' END
FROM log AS l
JOIN master AS m ON m.kind = 'device' AND json_extract(m.body, '$.jwk.x') = l.jwk
WHERE l.staff = 0
GROUP BY l.kid
ORDER BY min(m.since), l.kid;
UPDATE master SET body = json_remove(body, '$.jwk') WHERE kind = 'device';

-- Every key of the backend's own; which one is in use is a setting.
CREATE TABLE backend_key (
    number INTEGER PRIMARY KEY,
    kid TEXT NOT NULL UNIQUE,
    x TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT;
INSERT INTO backend_key (kid, x, since) SELECT kid, jwk, 0 FROM log WHERE staff = 1 GROUP BY kid ORDER BY min(ref);

-- The rosters that are the last to be signed by a key: each lists the next one, so that a device which slept over
-- several changes can follow from one to the other.
CREATE TABLE key_change (
    position INTEGER PRIMARY KEY,
    reference TEXT NOT NULL
) STRICT;

-- What is applied of revocations and promotions, found by what they name. `said` is the revocation's body.
CREATE TABLE revocation (
    hash BLOB NOT NULL,
    kid TEXT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (hash, kid)
) STRICT, WITHOUT ROWID;
CREATE TABLE promotion (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Where the events that were put aside stand, by hash: whoever promotes one names it so.
CREATE TABLE put_aside (
    hash BLOB PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- In whose logs an event is held by an applied witness.
CREATE TABLE witnessed (
    hash BLOB NOT NULL,
    kid TEXT NOT NULL,
    PRIMARY KEY (hash, kid)
) STRICT, WITHOUT ROWID;
