-- Where a job last changed that was offered: whoever holds it knows of it once his device has pulled that far.
ALTER TABLE job_row ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
INSERT INTO setting (name, value) SELECT 'rebuild', 'changed_at' WHERE EXISTS (SELECT 1 FROM job_row)
ON CONFLICT (name) DO NOTHING;
