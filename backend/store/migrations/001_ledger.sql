-- What is true of this database as a whole: its epoch, for example.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Every log ever opened here, by its genesis. `through` is the highest seq up to which all are held and
-- chained, `head` the chain value there, `highest` the highest held at all, `forked_at` the lowest seq in dispute.
CREATE TABLE log (
    ref INTEGER PRIMARY KEY,
    log TEXT NOT NULL UNIQUE,
    kid TEXT NOT NULL,
    jwk TEXT NOT NULL,
    staff INTEGER NOT NULL,
    through INTEGER NOT NULL,
    head BLOB NOT NULL,
    highest INTEGER NOT NULL,
    forked_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX log_kid ON log (kid);

-- The ledger: the bytes that came first for each name (log, seq). `chain` is NULL while the events before are
-- missing; `position` is where the event came to count, NULL where it does not; `verdict` is 0 applied,
-- 1 refused, 2 parked, 3 quarantined; `job` is set once it is applied, 0 for what goes to every device.
CREATE TABLE event (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    chain BLOB,
    position INTEGER,
    verdict INTEGER NOT NULL DEFAULT 2,
    job INTEGER,
    jws TEXT,
    PRIMARY KEY (log, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_job ON event (job, position) WHERE job IS NOT NULL;

-- Other bytes under a name already held: the branches of a log that was continued twice.
CREATE TABLE fork (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    chain BLOB,
    position INTEGER,
    verdict INTEGER NOT NULL DEFAULT 2,
    job INTEGER,
    jws TEXT,
    PRIMARY KEY (log, seq, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX fork_job ON fork (job, position) WHERE job IS NOT NULL;

-- Why an event is not applied. `digest` is empty for the ledger's row, else it names a fork's.
CREATE TABLE reason (
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    waits_for TEXT NOT NULL,
    PRIMARY KEY (log, seq, digest)
) STRICT, WITHOUT ROWID;

-- Which parked events wait for what: a hash, a job, an event's name, a log, a document.
CREATE TABLE waiting (
    what TEXT NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (what, log, seq, digest)
) STRICT, WITHOUT ROWID;

-- Events that others name by hash: custody, revocations, forks. No other hash is indexed: at a million rows
-- an index over random values costs more than the rows.
CREATE TABLE named (
    hash BLOB PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    forked INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest of them, in the order they came, until they are sorted in.
CREATE TABLE named_recent (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    forked INTEGER NOT NULL
) STRICT;

CREATE TABLE job (
    ref INTEGER PRIMARY KEY,
    job TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL
) STRICT;

-- Events that belong to more jobs than the one in their envelope.
CREATE TABLE about (
    job INTEGER NOT NULL,
    position INTEGER NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (job, position, log, seq)
) STRICT, WITHOUT ROWID;

-- The signed headers, by which every event of a batch is covered. `base` is the chain value before it,
-- `digests` those of its events while that is not held.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    base BLOB NOT NULL,
    header BLOB NOT NULL,
    jws TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    digests BLOB
) STRICT;
CREATE INDEX batch_pending ON batch (log, first) WHERE digests IS NOT NULL;

-- The last position of each transaction. `digest` commits to every position before it, so that a cursor
-- given out by a backend that has since lost events is found out.
CREATE TABLE mark (
    position INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Verdicts that changed after they were told.
CREATE TABLE changed (
    log INTEGER NOT NULL,
    position INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (log, position, seq)
) STRICT, WITHOUT ROWID;

-- What each device last said of itself in a push.
CREATE TABLE contact (
    kid TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    oldest TEXT NOT NULL,
    blobs INTEGER NOT NULL,
    wall TEXT NOT NULL
) STRICT;
