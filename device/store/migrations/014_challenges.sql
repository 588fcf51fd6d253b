-- What this device asked offers to quote, for whom, and by which offers (hashes, a space between) it was used.
CREATE TABLE challenge (
    nonce TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    party TEXT NOT NULL,
    made_ms INTEGER NOT NULL,
    offers TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
