-- What sensors said, as heard: many, kept for a while, and never sent. Events name them by source and key.

CREATE TABLE signal (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    native_key TEXT NOT NULL,
    device TEXT NOT NULL,
    type TEXT NOT NULL,
    t_recv_ms INTEGER NOT NULL,
    t_eff_ms INTEGER NOT NULL,
    said BLOB NOT NULL,
    topic TEXT NOT NULL,
    raw BLOB NOT NULL,
    UNIQUE (source, native_key)
) STRICT;
CREATE INDEX signal_time ON signal (t_eff_ms);

-- Messages that are no signals, as they came: once for each content, with how often it came.
CREATE TABLE signal_reject (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    size INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

-- Each connection to a broker, and whether it still had our session: where not, messages may be missing.
CREATE TABLE signal_session (
    number INTEGER PRIMARY KEY,
    client TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    present INTEGER NOT NULL
) STRICT;
CREATE INDEX signal_session_client ON signal_session (client);
