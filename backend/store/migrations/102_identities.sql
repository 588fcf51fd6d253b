-- Whom an account of another sign-in service stands for. `email` is what the service said of it when it was linked.
CREATE TABLE staff_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person TEXT NOT NULL,
    email TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_identity_person ON staff_identity (person);

-- Sign-ins under way at another service, by the hash of `state`. `binding` is the hash of what the browser holds
-- meanwhile; `person` and `session` are of who links an account, "" of who signs in.
CREATE TABLE staff_departure (
    hash BLOB PRIMARY KEY,
    binding BLOB NOT NULL,
    provider TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    back TEXT NOT NULL,
    person TEXT NOT NULL,
    session TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
