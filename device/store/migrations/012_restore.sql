-- What was pulled before the backend was restored and is still to be given back: arrivals after one and up to another.
CREATE TABLE giving (
    what TEXT PRIMARY KEY CHECK (what IN ('document', 'office_receipt', 'pulled')),
    after INTEGER NOT NULL,
    through INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the office's own logs reached, in the backend's words: of each log what reached furthest.
CREATE TABLE office_receipt (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    log TEXT NOT NULL UNIQUE,
    received_through INTEGER NOT NULL,
    text TEXT NOT NULL,
    jws TEXT NOT NULL
) STRICT;
