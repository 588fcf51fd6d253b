-- A token says what it may call: methods and addresses as the API describes them, separated by newlines; "" is all that
-- its person's roles may. `id` names it in lists, `label` says what for; `used_at` is kept to the minute.
CREATE TABLE api_token (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    label TEXT NOT NULL,
    endpoints TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_token_person ON api_token (person) WHERE ended_at IS NULL;

INSERT INTO api_token (hash, id, person, label, endpoints, made_by, made_at, expires_at, ended_at)
SELECT hash, lower(hex(substr(hash, 1, 6))), person, '', '', '', made_at, expires_at, CASE WHEN voided THEN made_at END
FROM staff_token;
DROP TABLE staff_token;
