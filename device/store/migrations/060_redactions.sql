-- Events whose words were taken out, by hash, wherever they are: the body of the office's redaction, the name it gives,
-- and how far this device is: 0 the event is not here or not received, 1 its bytes are gone, 2 from the files as well.
CREATE TABLE redaction (
    hash TEXT PRIMARY KEY,
    said TEXT NOT NULL,
    log TEXT NOT NULL,
    seq INTEGER NOT NULL,
    done INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX redaction_name ON redaction (log, seq);
