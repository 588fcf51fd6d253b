-- What this device recorded. Bytes are as they were hashed, signed and will be sent; nothing rewrites them.

CREATE TABLE log (
    number INTEGER PRIMARY KEY,
    log TEXT NOT NULL UNIQUE,
    kid TEXT NOT NULL,
    url TEXT NOT NULL,
    code TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    device TEXT NOT NULL DEFAULT '',
    keys TEXT NOT NULL DEFAULT '[]',
    state TEXT NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'enrolled', 'stopped'))
) STRICT;

CREATE TABLE event (
    log INTEGER NOT NULL REFERENCES log (number),
    seq INTEGER NOT NULL,
    raw BLOB NOT NULL,
    chain BLOB NOT NULL,
    jws TEXT NOT NULL DEFAULT '',
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (log, seq)
) STRICT, WITHOUT ROWID;

-- What no receipt covers yet.
CREATE TABLE outbox (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (log, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt (
    log INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    received_through INTEGER NOT NULL,
    text TEXT NOT NULL,
    jws TEXT NOT NULL,
    kept_ms INTEGER NOT NULL,
    PRIMARY KEY (log, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdict (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('applied', 'refused', 'parked', 'quarantined')),
    code TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    remedy TEXT NOT NULL DEFAULT '',
    told_ms INTEGER NOT NULL,
    PRIMARY KEY (log, seq)
) STRICT, WITHOUT ROWID;
