-- Who ended a version: whoever put the next one in its place, or said that it is in force no longer.
ALTER TABLE master ADD COLUMN ended_by TEXT NOT NULL DEFAULT '';

-- Rows that end at a time that was still to come when somebody said so.
CREATE TABLE master_leaving (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    recorded_by TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

-- Files with master data as they were sent; `taken_at` is NULL while nothing of one was taken.
CREATE TABLE master_file (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    bytes BLOB NOT NULL,
    sent_by TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    taken_at INTEGER,
    told TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
