-- Epochs that ended because a restore was made, or was found out: each ends once, whoever names it how often.
CREATE TABLE ended_epoch (
    epoch TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Two documents of one version can both have been given out, on either side of a restore: what either says counts.
CREATE TABLE document_held (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    reference TEXT NOT NULL,
    bytes BLOB NOT NULL,
    jws TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (key, version, reference)
) STRICT, WITHOUT ROWID;
INSERT INTO document_held (key, version, reference, bytes, jws, position)
SELECT key, version, reference, bytes, jws, position FROM document;
DROP TABLE document;
ALTER TABLE document_held RENAME TO document;
CREATE INDEX document_position ON document (position);

-- What receipts that were given back say was held of the office's own logs.
CREATE TABLE promised (
    log TEXT NOT NULL,
    through INTEGER NOT NULL,
    head BLOB NOT NULL,
    PRIMARY KEY (log, through, head)
) STRICT, WITHOUT ROWID;

-- Events that nobody holds any more, by a manager's word: a range of a log with the chain value after it (empty
-- where nobody knows that either), or one name.
CREATE TABLE lost_range (
    log TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (log, first, last)
) STRICT, WITHOUT ROWID;
CREATE TABLE lost_name (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
