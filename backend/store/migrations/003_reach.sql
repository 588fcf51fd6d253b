-- Which jobs a site, a party or a role reaches, from which position and until which (NULL: still).
CREATE TABLE reach (
    key TEXT NOT NULL,
    job INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (key, job, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX reach_job ON reach (job) WHERE until IS NULL;

-- The same keys of each device: its people, their teams, roles and sites.
CREATE TABLE device_key (
    kid TEXT NOT NULL,
    key TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    PRIMARY KEY (kid, key, since)
) STRICT, WITHOUT ROWID;

-- Which jobs each transaction touched; `position` is its mark's.
CREATE TABLE touch (
    position INTEGER NOT NULL,
    job INTEGER NOT NULL,
    PRIMARY KEY (position, job)
) STRICT, WITHOUT ROWID;
