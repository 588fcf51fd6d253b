-- When each site was switched on, in versions: each is known from `received_at` on, until the next one of the site.
-- Nothing was ever written to the table of before.
DROP TABLE switch_on;
CREATE TABLE switch_on (
    site TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    live_from INTEGER NOT NULL,
    PRIMARY KEY (site, received_at)
) STRICT, WITHOUT ROWID;

-- The first moment of each hour at which all that a device had recorded was here. A row never changes, so that
-- how far a device had synced as of a day stays what it was.
CREATE TABLE caught_up (
    kid TEXT NOT NULL,
    hour INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (kid, hour)
) STRICT, WITHOUT ROWID;
