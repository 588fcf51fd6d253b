-- What came from the backend, and where the conversation with it stands.

CREATE TABLE conversation (
    one INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    epoch TEXT NOT NULL DEFAULT '',
    cursor TEXT NOT NULL DEFAULT '',
    synced_ms INTEGER,
    offset_ms INTEGER,
    trouble TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO conversation DEFAULT VALUES;

-- Other logs' events; `arrival` only grows, so that a reader asks for what is newer.
CREATE TABLE pulled (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    hash TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    raw BLOB NOT NULL,
    jws TEXT NOT NULL DEFAULT '',
    job TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX pulled_job ON pulled (job);

CREATE TABLE document (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    reference TEXT NOT NULL,
    raw BLOB NOT NULL,
    jws TEXT NOT NULL,
    UNIQUE (name, reference)
) STRICT;

-- Jobs that left this device's scope.
CREATE TABLE left_job (
    job TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What a person has to look at, once for each problem and detail.
CREATE TABLE needs_you (
    number INTEGER PRIMARY KEY,
    slug TEXT NOT NULL,
    detail TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    UNIQUE (slug, detail)
) STRICT;
