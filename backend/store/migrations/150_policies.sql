-- Who put which version of a policy in force; the documents themselves say nothing of people.
CREATE TABLE policy_change (
    boundary TEXT NOT NULL,
    reference TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (boundary, reference)
) STRICT, WITHOUT ROWID;
