-- name: epoch
SELECT value FROM setting WHERE name = 'epoch';

-- name: end_epoch
INSERT INTO ended_epoch (epoch, at) VALUES (:epoch, :at) ON CONFLICT (epoch) DO NOTHING;

-- name: ended
SELECT EXISTS (SELECT 1 FROM ended_epoch WHERE epoch = :epoch);

-- name: void_all_codes
UPDATE enrol_code SET voided = 1 WHERE kid IS NULL;

-- name: log_named
SELECT ref, through, head, highest, kid FROM log WHERE log = :log;

-- name: main_chain_at
SELECT chain FROM event WHERE log = :log AND seq = :seq;

-- name: fork_chains_at
SELECT chain FROM fork WHERE log = :log AND seq = :seq AND chain IS NOT NULL;

-- name: lost_chain_at
SELECT chain FROM lost_range WHERE log = :log AND last = :seq;

-- name: rosters
SELECT bytes FROM document WHERE key = 'roster' ORDER BY version DESC, position DESC LIMIT 1;

-- name: document_reference
SELECT 1 FROM document WHERE key = :key AND reference = :reference;

-- name: staff_logs
SELECT ref, log, through, head FROM log WHERE staff = 1 AND through > 0 ORDER BY ref DESC LIMIT :most;

-- name: position_of
SELECT position FROM event WHERE log = :log AND seq = :seq;

-- name: promise
INSERT INTO promised (log, through, head) VALUES (:log, :through, :head) ON CONFLICT (log, through, head) DO NOTHING;

-- name: promises
SELECT log, through, head FROM promised ORDER BY log, through;

-- name: promises_of
SELECT through, head FROM promised WHERE log = :log ORDER BY through;

-- name: keep_lost_range
INSERT INTO lost_range (log, first, last, chain) VALUES (:log, :first, :last, :chain)
ON CONFLICT (log, first, last) DO UPDATE SET chain = excluded.chain;

-- name: lost_ranges
SELECT first, last, chain FROM lost_range WHERE log = :log ORDER BY first;

-- name: keep_lost_name
INSERT INTO lost_name (name) VALUES (:name) ON CONFLICT (name) DO NOTHING;

-- name: lost_name
SELECT EXISTS (SELECT 1 FROM lost_name WHERE name = :name);

-- name: all_logs
SELECT ref, log, kid, jwk, staff, through, head, highest, forked_at FROM log ORDER BY ref;

-- name: seqs_of
SELECT seq FROM event WHERE log = :log AND seq > :after ORDER BY seq;

-- name: waited_for
SELECT DISTINCT what FROM waiting ORDER BY what;

-- name: pending_bases
SELECT first, base FROM batch WHERE log = :log AND digests IS NOT NULL ORDER BY first, id;
