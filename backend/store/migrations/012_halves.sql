-- Events that a witness holds and that could not be filed: their log was not open yet (no code), or another key opened
-- it (the code says so). They stand in no log of ours and are named by nothing but what witnessed them.
CREATE TABLE half (
    digest BLOB PRIMARY KEY,
    log TEXT NOT NULL,
    seq INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    jws TEXT NOT NULL,
    kid TEXT NOT NULL,
    code TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX half_log ON half (log, seq);
