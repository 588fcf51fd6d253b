-- By what a person shows to be himself on this device: never the PIN, only what scrypt makes of it, and at what cost.
-- `failures` counts since the last right one; the three after it say when the last attempt was, by two clocks.
CREATE TABLE pin (
    person TEXT PRIMARY KEY,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    n INTEGER NOT NULL,
    r INTEGER NOT NULL,
    p INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    boot TEXT NOT NULL DEFAULT '',
    mono_ms INTEGER NOT NULL DEFAULT 0,
    wall_ms INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
