-- What is left of events whose words were taken out, by their hash; `said` is the redaction's body. `held` is 0 while
-- no event of that hash is here: once it comes, its bytes are not kept.
CREATE TABLE redaction (
    hash BLOB PRIMARY KEY,
    said TEXT NOT NULL,
    held INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX redaction_open ON redaction (hash) WHERE held = 0;

-- Blobs that nothing names any more, until their bytes are gone from the store.
CREATE TABLE blob_gone (
    sha256 TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
