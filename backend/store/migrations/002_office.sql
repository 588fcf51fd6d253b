-- Signed documents, exact bytes, every version; of `names` only the latest is kept.
CREATE TABLE document (
    key TEXT NOT NULL,
    version INTEGER NOT NULL,
    reference TEXT NOT NULL,
    bytes BLOB NOT NULL,
    jws TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_position ON document (position);

-- People, teams, devices, sites: versioned rows, from which roster and names are cut. `until` is NULL for
-- the row in force.
CREATE TABLE master (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    recorded_by TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX master_now ON master (kind, id) WHERE until IS NULL;

-- One-time codes by their hash. `kid` and `genesis` are of the device that used it.
CREATE TABLE enrol_code (
    hash BLOB PRIMARY KEY,
    device TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    kid TEXT,
    genesis BLOB,
    voided INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Tokens of people and programs for the JSON API, by their hash.
CREATE TABLE staff_token (
    hash BLOB PRIMARY KEY,
    person TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    voided INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- What each action of the office answered, so that it has one effect however often it is sent.
CREATE TABLE action (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    asked BLOB NOT NULL,
    answer BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows of a file that could not be used, until a person has mended them.
CREATE TABLE quarantined_row (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    field TEXT NOT NULL,
    detail TEXT NOT NULL,
    remedy TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Visits from before this product, as they were imported, and when each site went live.
CREATE TABLE past_visit (
    visit TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE switch_on (
    site TEXT PRIMARY KEY,
    live_from INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
