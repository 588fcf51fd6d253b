-- How each source writes its orders, as a person confirmed it.
CREATE TABLE order_mapping (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Files that were taken in: `rows` there were, `aside` of them were put aside; `body` counts what orders came to.
CREATE TABLE order_run (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    via TEXT NOT NULL,
    mapping TEXT NOT NULL,
    made_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    aside INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Rows that could not be used, each with its cells by field, until a person has mended or dismissed it, or another
-- file has it right: `state` is empty while it waits, then mended, dismissed, replaced or later. `digest` is of what it
-- says, so that the same row is put before people once.
CREATE TABLE order_aside (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    line INTEGER NOT NULL,
    field TEXT NOT NULL,
    found TEXT NOT NULL,
    remedy TEXT NOT NULL,
    cells TEXT NOT NULL,
    name TEXT NOT NULL,
    item TEXT NOT NULL,
    site TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '',
    settled_by TEXT NOT NULL DEFAULT '',
    settled_at INTEGER,
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX order_aside_run ON order_aside (run, line);
CREATE INDEX order_aside_digest ON order_aside (digest);
CREATE INDEX order_aside_waiting ON order_aside (id) WHERE state = '';
DELETE FROM quarantined_row WHERE source LIKE 'orders %';

-- Files on their way in, while a person says how they are to be read.
CREATE TABLE order_upload (
    id TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    raw BLOB NOT NULL,
    mapping TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL DEFAULT '{}',
    made_by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a dispatcher decided about an order that was taken back after its job was offered, by the hash that took it back.
CREATE TABLE order_settled (
    cancel TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    settled_by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is to be said of an order beside what it says itself. `untold`: it came, changed or went after its job was
-- offered, the office has not offered it again, and no device of whoever holds it has pulled that far; while an offer
-- stands open the one who gets it decides by what it says. `asked`: it was taken back and a dispatcher has to decide.
CREATE VIEW order_standing (job, name, untold, asked) AS
SELECT
    o.job,
    o.name,
    o.changed_at > 0 AND o.cancelled = 0 AND coalesce(j.state, '') = 'open'
    AND NOT (
        json_array_length(j.body, '$.open_offers') = 0
        AND EXISTS (
            SELECT 1 FROM device_key AS d JOIN device_cursor AS c ON c.kid = d.kid
            WHERE d.key = 'party:' || j.accountable AND d.until IS NULL AND c.position >= o.changed_at
        )
    ),
    o.cancelled = 1 AND coalesce(j.state, '') = 'open' AND (o.kind = 'dispatch' OR o.changed_at > 0)
    AND EXISTS (
        SELECT 1 FROM json_each(o.body, '$.cancels') AS t
        WHERE NOT EXISTS (SELECT 1 FROM order_settled AS s WHERE s.cancel = t.value)
    )
FROM order_row AS o LEFT JOIN job_row AS j ON j.job = o.job;
