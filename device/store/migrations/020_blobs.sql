-- What events of this device name and the folder beside the database holds, in the order it was recorded. A row
-- outlives its bytes: those are deleted, at `dropped_ms`, only after a receipt and a while.
CREATE TABLE blob (
    number INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    original TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    dropped_ms INTEGER
) STRICT;

CREATE TABLE blob_receipt (
    sha256 TEXT NOT NULL,
    epoch TEXT NOT NULL,
    text TEXT NOT NULL,
    jws TEXT NOT NULL,
    kept_ms INTEGER NOT NULL,
    PRIMARY KEY (sha256, epoch)
) STRICT, WITHOUT ROWID;

-- The backend's last signed time, and on which boot it came, after how long.
CREATE TABLE anchor (
    one INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    boot TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    trip_ms INTEGER NOT NULL
) STRICT;
