-- What a job is found by: `state:open`, `site:north`, `is:held`, `item:S-4711`; lists ask for all of several. A projection,
-- and `found` beside each job is the same as a list.
CREATE TABLE found_by (
    key TEXT NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (key, job)
) STRICT, WITHOUT ROWID;
ALTER TABLE job_row ADD COLUMN found TEXT NOT NULL DEFAULT '[]';
ALTER TABLE job_row ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;

-- The words by which people look for an order, an item, an asset or a customer: `kind` and `id` together are a key of
-- `found_by`. A word stands once however many jobs have it, and goes with the last of them. One that begins with ~ is
-- written backwards, so that the last figures of a number find it. A projection.
CREATE TABLE word (
    word TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (word, kind, id)
) STRICT, WITHOUT ROWID;

-- Rows of before lack this: the next start makes all projections anew.
INSERT INTO setting (name, value) SELECT 'rebuild', 'found_by' WHERE EXISTS (SELECT 1 FROM job_row);

-- Whose devices hold a party's jobs.
CREATE INDEX device_key_now ON device_key (key) WHERE until IS NULL;

-- Filters that somebody keeps: `query` is the list's address after the question mark; `role` says who else sees it.
CREATE TABLE saved_filter (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    role TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_filter_page ON saved_filter (page, person);
