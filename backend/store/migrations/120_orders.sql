-- What lists of orders filter by, beside each order. What a job of before was offered with is told by `rebuild`.
ALTER TABLE order_row ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE order_row ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE order_row ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE order_row ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
UPDATE order_row
SET source = json_extract(body, '$.order.source'), kind = json_extract(body, '$.order.order_kind'),
    cancelled = coalesce(json_extract(body, '$.cancelled'), 0);

-- How far each device has got, by the cursor of its last pull: what came to count up to there it holds.
CREATE TABLE device_cursor (
    kid TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
