-- A log whose key was revoked: why, since when this device knows, and when all that was here was erased.
CREATE TABLE fate (
    log INTEGER PRIMARY KEY REFERENCES log (number),
    reason TEXT NOT NULL CHECK (reason IN ('left', 'lost', 'compromised')),
    since_ms INTEGER NOT NULL,
    erased_ms INTEGER
) STRICT;
