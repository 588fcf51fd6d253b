-- Projections: derived from the ledger in the transaction that moved it, dropped and made anew by `rebuild`.
-- `body` is the whole row as JSON; the columns beside it are what lists filter and sort by.
CREATE TABLE job_row (
    job INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    site TEXT NOT NULL,
    accountable TEXT NOT NULL,
    rank INTEGER NOT NULL,
    due_ms INTEGER NOT NULL,
    open_cases INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX job_row_order ON job_row (rank, due_ms, id);

CREATE TABLE handover_row (
    job INTEGER NOT NULL,
    offer TEXT NOT NULL,
    state TEXT NOT NULL,
    offered_ms INTEGER NOT NULL,
    escalate_ms INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (job, offer)
) STRICT, WITHOUT ROWID;
CREATE INDEX handover_row_due ON handover_row (escalate_ms) WHERE escalate_ms IS NOT NULL;
CREATE INDEX handover_row_when ON handover_row (offered_ms, offer);

-- Every version of a visit, each known from `received_at` on, so that a report as of an earlier day is the same.
CREATE TABLE visit_row (
    job INTEGER NOT NULL,
    visit TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    site TEXT NOT NULL,
    arrived_ms INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (job, visit, received_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE item_row (
    job INTEGER NOT NULL,
    item TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE case_row (
    job INTEGER NOT NULL,
    basis TEXT NOT NULL,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, basis)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_row_open ON case_row (job, basis) WHERE state = 'open';

-- An order is listed under its source's name for it; `job` is -1 until it is matched to one.
CREATE TABLE order_row (
    name TEXT NOT NULL,
    job INTEGER NOT NULL,
    site TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (name, job)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_row_job ON order_row (job);
