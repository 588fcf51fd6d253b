-- Where other systems are told of events. `kinds` and `sites` are JSON lists; `filled` is the position up to which the
-- outbox was filled. `former_secret` signs beside the new one until `former_until`. While nobody answers there it rests
-- until `rests_until`. `state` is active, paused, or gone (the receiver said so).
CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    sites TEXT NOT NULL,
    secret TEXT NOT NULL,
    former_secret TEXT NOT NULL DEFAULT '',
    former_until INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'active',
    filled INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    rests_until INTEGER NOT NULL DEFAULT 0,
    said TEXT NOT NULL DEFAULT '',
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The outbox: one row an event and webhook, by the event's position. `state` is waiting, sent or dead; `status` is what
-- the receiver answered last, 0 where it answered nothing, `error` why it was not taken.
CREATE TABLE webhook_message (
    webhook TEXT NOT NULL,
    position INTEGER NOT NULL,
    message TEXT NOT NULL,
    kind TEXT NOT NULL,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    done_at INTEGER,
    status INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (webhook, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_message_state ON webhook_message (webhook, state, position);
