-- name: settings
SELECT name, value FROM setting;

-- name: set
INSERT INTO setting (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: unset
DELETE FROM setting WHERE name = :name;

-- name: last_mark
SELECT position, digest FROM mark ORDER BY position DESC LIMIT 1;

-- name: mark_at
SELECT digest FROM mark WHERE position = :position;

-- name: mark
INSERT INTO mark (position, digest, at) VALUES (:position, :digest, :at);

-- name: touch
INSERT INTO touch (position, job) VALUES (:position, :job);

-- name: log_by_name
SELECT ref, log, kid, jwk, staff, through, head, highest, forked_at FROM log WHERE log = :log;

-- name: log_by_ref
SELECT ref, log, kid, jwk, staff, through, head, highest, forked_at FROM log WHERE ref = :ref;

-- name: logs_of_kid
SELECT ref, log FROM log WHERE kid = :kid ORDER BY ref;

-- name: open_log
INSERT INTO log (log, kid, jwk, staff, through, head, highest)
VALUES (:log, :kid, :jwk, :staff, 0, :head, 0)
RETURNING ref;

-- name: move_log
UPDATE log SET through = :through, head = :head, highest = :highest, forked_at = :forked_at WHERE ref = :ref;

-- name: append
INSERT INTO event (log, seq, bytes, received_at, chain, position, verdict, job, jws)
VALUES (:log, :seq, :bytes, :received_at, :chain, :position, :verdict, :job, :jws);

-- name: append_fork
INSERT INTO fork (log, seq, digest, bytes, received_at, chain, position, verdict, job, jws)
VALUES (:log, :seq, :digest, :bytes, :received_at, :chain, :position, :verdict, :job, :jws);

-- name: main_slice
SELECT seq, bytes, chain FROM event WHERE log = :log AND seq BETWEEN :first AND :last;

-- name: fork_slice
SELECT seq, digest, chain FROM fork WHERE log = :log AND seq BETWEEN :first AND :last;

-- name: main_row
SELECT bytes, received_at, chain, position, verdict, job, jws FROM event WHERE log = :log AND seq = :seq;

-- name: fork_row
SELECT bytes, received_at, chain, position, verdict, job, jws FROM fork
WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: main_chain
UPDATE event SET chain = :chain WHERE log = :log AND seq = :seq AND chain IS NULL;

-- name: fork_chain
UPDATE fork SET chain = :chain WHERE log = :log AND seq = :seq AND digest = :digest AND chain IS NULL;

-- name: main_verdict
UPDATE event SET position = :position, verdict = :verdict, job = :job WHERE log = :log AND seq = :seq;

-- name: fork_verdict
UPDATE fork SET position = :position, verdict = :verdict, job = :job
WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: chains_above
SELECT seq, chain, bytes FROM event WHERE log = :log AND seq > :seq ORDER BY seq;

-- name: seqs_above
SELECT seq FROM event WHERE log = :log AND seq > :seq ORDER BY seq;

-- name: verdicts_of
SELECT seq, verdict FROM event WHERE log = :log AND seq BETWEEN :first AND :last;

-- name: reason
SELECT code, detail, waits_for FROM reason WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: set_reason
INSERT INTO reason (log, seq, digest, code, detail, waits_for)
VALUES (:log, :seq, :digest, :code, :detail, :waits_for)
ON CONFLICT (log, seq, digest)
DO UPDATE SET code = excluded.code, detail = excluded.detail, waits_for = excluded.waits_for;

-- name: drop_reason
DELETE FROM reason WHERE log = :log AND seq = :seq AND digest = :digest;

-- name: waiting_count
SELECT EXISTS (SELECT 1 FROM waiting);

-- name: wait
INSERT INTO waiting (what, log, seq, digest) VALUES (:what, :log, :seq, :digest)
ON CONFLICT (what, log, seq, digest) DO NOTHING;

-- name: waiters
SELECT log, seq, digest FROM waiting WHERE what = :what ORDER BY log, seq, digest;

-- name: stop_waiting
DELETE FROM waiting WHERE what = :what AND log = :log AND seq = :seq AND digest = :digest;

-- name: name_recent
INSERT INTO named_recent (hash, log, seq, forked) VALUES (:hash, :log, :seq, :forked);

-- name: recent_names
SELECT hash, log, seq, forked FROM named_recent ORDER BY id;

-- name: sort_names_in
INSERT INTO named (hash, log, seq, forked)
SELECT hash, log, seq, forked FROM named_recent WHERE true ORDER BY hash, id
ON CONFLICT (hash) DO NOTHING;

-- name: drop_recent_names
DELETE FROM named_recent;

-- name: named
SELECT log, seq, forked FROM named WHERE hash = :hash;

-- name: named_like
SELECT log, seq, forked FROM named WHERE hash >= :low AND hash <= :high ORDER BY hash LIMIT 1;

-- name: job_by_name
SELECT ref FROM job_named WHERE job = :job;

-- name: job_by_ref
SELECT job FROM job WHERE ref = :ref;

-- name: last_job
SELECT coalesce(max(ref), 0), (SELECT through FROM job_sorted) FROM job;

-- name: open_job
INSERT INTO job (ref, job, hash) VALUES (:ref, :job, :hash);

-- name: sort_jobs_in
INSERT INTO job_name (job, ref) SELECT job, ref FROM job WHERE ref > :through ORDER BY job;

-- name: jobs_sorted
UPDATE job_sorted SET through = (SELECT max(ref) FROM job);

-- name: job_refs
SELECT ref, job FROM job ORDER BY ref;

-- name: job_events
SELECT e.position, e.log, l.log, e.seq, e.bytes, e.jws, l.kid
FROM event AS e JOIN log AS l ON l.ref = e.log
WHERE e.job = :job
UNION ALL
SELECT f.position, f.log, l.log, f.seq, f.bytes, f.jws, l.kid
FROM fork AS f JOIN log AS l ON l.ref = f.log
WHERE f.job = :job
ORDER BY 1;

-- name: job_about
SELECT a.position, l.log, a.log, a.seq, a.digest, l.kid
FROM about AS a JOIN log AS l ON l.ref = a.log
WHERE a.job = :job
ORDER BY a.position;

-- name: belongs
INSERT INTO about (job, position, log, seq, digest) VALUES (:job, :position, :log, :seq, :digest)
ON CONFLICT (job, position, log, seq) DO NOTHING;

-- name: keep_batch
INSERT INTO batch (log, first, last, base, header, jws, received_at, digests)
VALUES (:log, :first, :last, :base, :header, :jws, :received_at, :digests);

-- name: pending_batches
SELECT id, first, base, digests FROM batch WHERE log = :log AND digests IS NOT NULL ORDER BY first, id;

-- name: batch_linked
UPDATE batch SET digests = NULL WHERE id = :id;

-- name: note_change
INSERT INTO changed (log, position, seq, digest) VALUES (:log, :position, :seq, :digest)
ON CONFLICT (log, position, seq) DO NOTHING;

-- name: met
INSERT INTO contact (kid, at, recorded, oldest, blobs, wall)
VALUES (:kid, :at, :recorded, :oldest, :blobs, :wall)
ON CONFLICT (kid) DO UPDATE
SET at = excluded.at, recorded = excluded.recorded, oldest = excluded.oldest, blobs = excluded.blobs,
    wall = excluded.wall;

-- name: doubts
SELECT e.bytes, l.kid FROM doubt AS d
JOIN event AS e ON e.log = d.log AND e.seq = d.seq
JOIN log AS l ON l.ref = d.log
ORDER BY d.position;

-- name: note_doubt
INSERT INTO doubt (position, log, seq) VALUES (:position, :log, :seq);

-- name: jobs_from
SELECT job FROM event WHERE log = :log AND seq >= :seq AND job > 0
UNION
SELECT job FROM fork WHERE log = :log AND seq >= :seq AND job > 0
UNION
SELECT job FROM about WHERE log = :log AND seq >= :seq;

-- name: keep_half
INSERT INTO half (digest, log, seq, bytes, jws, kid, code) VALUES (:digest, :log, :seq, :bytes, :jws, :kid, :code)
ON CONFLICT (digest) DO NOTHING;

-- name: halves
SELECT digest, seq, bytes, jws, kid FROM half WHERE log = :log AND code = '' ORDER BY seq, digest;

-- name: half_filed
DELETE FROM half WHERE digest = :digest;

-- name: half_refused
UPDATE half SET code = :code WHERE digest = :digest;
