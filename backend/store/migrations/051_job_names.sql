-- Jobs are found by name in an index of their own, into which new ones are sorted two thousand at a time: a name is
-- random, and each one alone would rewrite a page of it. `through` is the ref up to which they are sorted in.
CREATE TABLE opened (
    ref INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
INSERT INTO opened (ref, job, hash) SELECT ref, job, hash FROM job;
DROP TABLE job;
ALTER TABLE opened RENAME TO job;

CREATE TABLE job_name (
    job TEXT PRIMARY KEY,
    ref INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO job_name (job, ref) SELECT job, ref FROM job ORDER BY job;

CREATE TABLE job_sorted (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    through INTEGER NOT NULL
) STRICT;
INSERT INTO job_sorted (id, through) SELECT 1, coalesce(max(ref), 0) FROM job;

CREATE VIEW job_named (job, ref) AS
SELECT job, ref FROM job_name
UNION ALL
SELECT job, ref FROM job WHERE ref > (SELECT through FROM job_sorted);

-- Of jobs alike in priority and limit the older comes first: by name, each new one would land on a page of its own.
DROP INDEX job_row_order;
CREATE INDEX job_row_order ON job_row (rank, due_ms);
