-- Who made a one-time code, when, and whether it was printed. Of a device at most one can be used at a time.
ALTER TABLE enrol_code ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enrol_code ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE enrol_code ADD COLUMN printed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX enrol_code_device ON enrol_code (device) WHERE kid IS NULL AND voided = 0;
