-- Which events name which blobs, whatever their verdict; `digest` is empty for the ledger's row, else it names a
-- fork's. `original` is what a thumbnail shows in small.
CREATE TABLE blob_named (
    sha256 TEXT NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    type TEXT NOT NULL,
    original TEXT NOT NULL,
    PRIMARY KEY (sha256, log, seq, digest)
) STRICT, WITHOUT ROWID;

-- The blobs that are here whole, once for each key whose device sent all their bytes: to know a digest is no right to
-- read what it names. The bytes are in the store beside the database, which is right where the two differ.
CREATE TABLE blob (
    sha256 TEXT NOT NULL,
    kid TEXT NOT NULL,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (sha256, kid)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_kid ON blob (kid);
