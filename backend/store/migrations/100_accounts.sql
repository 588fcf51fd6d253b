-- How people of the office sign in. Whoever reads this file can sign in as nobody: of tokens and links only hashes are
-- kept, of passwords what argon2 makes of them.
CREATE TABLE staff_password (
    person TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Sessions of browsers. `id` names one in lists; `hash` is of the token that the browser holds. `ended_at` is NULL
-- while it is open; `seen_at` is kept to the minute.
CREATE TABLE staff_session (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_session_person ON staff_session (person) WHERE ended_at IS NULL;

-- One-use links: an invitation, or a new password for somebody who has one. `used_at` is NULL while it works.
CREATE TABLE staff_link (
    hash BLOB PRIMARY KEY,
    person TEXT NOT NULL,
    purpose TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_link_person ON staff_link (person) WHERE used_at IS NULL;
