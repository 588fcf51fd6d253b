"""Faults that are planted on purpose, one a line of defence, and the test that has to catch each.

A test that has never failed proves little. `./run test --planted` plants each of these in a copy of
the tree and prints which were caught; the suite does the same.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One edit that breaks one invariant, and the test that must then fail.

    `old` stands exactly once in `file`, a path from the repository's root, and `new` takes its place.
    """

    name: str
    invariant: str
    file: str
    old: str
    new: str
    test: str


FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        name="twin-problems",
        invariant="a problem's name means one thing",
        file="sync/problems.py",
        old="if slug in _ALL:",
        new="if slug in ():",
        test="tests/test_house.py::test_a_problem_cannot_be_named_twice",
    ),
    Fault(
        name="no-unique-key",
        invariant="one name, one event: a re-send has no second effect",
        file="backend/store/migrations/001_ledger.sql",
        old="    jws TEXT,\n    PRIMARY KEY (log, seq)\n) STRICT, WITHOUT ROWID;",
        new="    jws TEXT\n) STRICT;",
        test="tests/backend/test_door.py::test_one_name_is_held_once_whatever_the_door_overlooks",
    ),
    Fault(
        name="receipt-before-commit",
        invariant="a receipt is true",
        file="backend/store/sqlite.py",
        old="return await self._writer.run(lambda con: in_transaction(con, work))",
        new=(
            "return await self._writer.run(lambda con: ("
            "con.in_transaction and con.execute('COMMIT'), con.execute('BEGIN IMMEDIATE'), work(con))[2])"
        ),
        test="tests/backend/test_door.py::test_what_a_receipt_says_is_on_disk_when_it_is_given",
    ),
    Fault(
        name="fold-by-arrival",
        invariant="the fold is the same for every order of the same events",
        file="sync/custody.py",
        old="if len(children) == 1 and not self.is_contest(key):",
        new="if children:",
        test="tests/sync/test_custody.py::test_the_fold_reads_judged_events_in_any_order",
    ),
    Fault(
        name="no-byte-compare",
        invariant="other bytes under a known name are found and told",
        file="sync/ledger.py",
        old="elif there[0] == digest_:",
        new="elif there:",
        test="tests/backend/test_push.py::test_other_bytes_under_a_known_name_are_kept_told_and_recorded_as_a_fork",
    ),
    Fault(
        name="no-outbox-row",
        invariant="what is shown as recorded is in the outbox until a receipt covers it",
        file="device/store/log.py",
        old='        con.execute(_sql["put_out"], place)\n',
        new="",
        test="tests/device/test_record.py::test_an_event_lies_on_the_disk_with_its_outbox_row_before_it_is_shown",
    ),
    Fault(
        name="receipt-of-another-chain",
        invariant="only a receipt for the own chain counts",
        file="sync/session.py",
        old="if chain is None or chain_text(chain) != receipt.head:",
        new="if chain is None:",
        test="tests/sync/test_session.py::test_a_head_that_is_not_in_the_own_chain_counts_for_nothing_and_all_is_sent",
    ),
    Fault(
        name="confirm-unchecked",
        invariant="nobody confirms what was not checked",
        file="device/offering.py",
        old="        check_acceptance(event, here.memory.event(accepted.offer), who, looked.scene, wanted=offer)\n",
        new="",
        test="tests/device/test_handing_over.py::test_an_answer_to_another_offer_is_told_apart",
    ),
    Fault(
        name="bad-job-holds-up-a-shift",
        invariant="one bad job of a code holds up no other",
        file="device/holding.py",
        old="for standing in self.memory.glance(events)[len(beside) :]:",
        new="for standing in self.memory.glance(events):",
        test="tests/device/test_shift.py::test_an_offer_that_was_never_to_be_made_holds_up_none_beside_it",
    ),
    Fault(
        name="check-out-of-order",
        invariant="of several things wrong with a code the first of the list is said",
        file="sync/acceptance.py",
        old="    for signed in frame.events:\n        verify_raw(",
        new=(
            "    if device and device.revoked:\n        raise Problem(KEY_REVOKED)\n"
            "    for signed in frame.events:\n        verify_raw("
        ),
        test="tests/device/test_checklist.py::test_a_code_that_fails_two_neighbours_is_refused_for_the_earlier",
    ),
    Fault(
        name="sender-rids-himself",
        invariant="what was reserved stays where it was until the receiver's scan names the reservation",
        file="sync/goods.py",
        old="if scan.step in _HERE and _receives(event, answers.get(scan.reservation)):",
        new="if scan.reservation:",
        test="tests/sync/test_items.py::test_only_the_receivers_side_brings_what_was_reserved_by_a_scan_that_shows_it",
    ),
    Fault(
        name="challenge-for-one-job",
        invariant="a challenge serves all the offers of one code",
        file="device/accepting.py",
        old="challenges.use(con, nonce, answered, beside or (answered,))",
        new="challenges.use(con, nonce, answered, (answered,))",
        test="tests/device/test_shift.py::test_one_challenge_serves_all_jobs_of_one_code_and_no_other",
    ),
    Fault(
        name="contest-decided",
        invariant="a contest is never silently decided",
        file="sync/custody.py",
        old="if len(children) == 1 and not self.is_contest(key):",
        new="if len(children) == 1:",
        test="tests/trial/test_stories.py::test_a_story_comes_out_as_told_in_a_hundred_orders",
    ),
    Fault(
        name="withdrawal-ignored",
        invariant="an acceptance whose every offer is withdrawn opens a case",
        file="sync/custody.py",
        old="return len(children) > 1 or any(self.is_withdrawn(child) for child in children.values())",
        new="return len(children) > 1",
        test="tests/trial/test_stories.py::test_a_story_comes_out_as_told_in_a_hundred_orders",
    ),
    Fault(
        name="clock-decides",
        invariant="no clock decides who is accountable",
        file="sync/custody.py",
        old="return confirmed[0] if len(confirmed) == 1 else None",
        new=(
            "return confirmed[0] if len(confirmed) == 1 else "
            "min(children, key=lambda child: children[child][0].event.wall_ms, default=None)"
        ),
        test="tests/trial/test_stories.py::test_a_story_comes_out_as_told_in_a_hundred_orders",
    ),
    Fault(
        name="anchor-across-boots",
        invariant="a signed time is named in the boot in which it came, and in no other",
        file="device/store/queries/times.sql",
        old="FROM anchor WHERE boot = :boot",
        new="FROM anchor WHERE boot <> '' OR boot = :boot",
        test=(
            "tests/device/test_times.py::"
            "test_after_a_restart_of_the_device_none_is_named_until_the_next_pull_and_of_the_agent_the_same"
        ),
    ),
    Fault(
        name="older-anchor",
        invariant="an older word of what time it is never replaces a later one",
        file="device/store/queries/times.sql",
        old="WHERE excluded.version > anchor.version",
        new="WHERE true",
        test="tests/device/test_times.py::test_a_time_that_is_older_or_that_the_backend_did_not_sign_is_not_taken",
    ),
    Fault(
        name="unknown-refused",
        invariant="a verdict does not look at what else happens to have arrived",
        file="sync/references.py",
        old='raise No("parked", UNKNOWN_BASIS, name, (name,))',
        new="raise refuse(UNKNOWN_BASIS, name)",
        test="tests/sync/test_custody.py::test_no_order_of_arrival_changes_a_verdict_the_fold_or_a_case",
    ),
    Fault(
        name="wrong-typ-accepted",
        invariant="what was signed as one thing never passes for another",
        file="sync/seal.py",
        old="    if not dots or head != _header(kid_of(jwk), typ):\n",
        new=(
            "    typ = next((one for one in Typ.__args__ if head == _header(kid_of(jwk), one)), typ)\n"
            "    if not dots or head != _header(kid_of(jwk), typ):\n"
        ),
        test="tests/sync/test_seal.py::test_what_was_signed_as_one_thing_never_passes_for_another",
    ),
    Fault(
        name="signatures-left-open",
        invariant="nothing is committed on a signature that does not hold",
        file="backend/intake.py",
        old="if not all(held()):",
        new="if not any(held()):",
        test="tests/backend/test_signatures.py::test_an_event_whose_signature_does_not_hold_is_refused_alone",
    ),
    Fault(
        name="written-anew-before-hashing",
        invariant="the bytes as written are the truth",
        file="sync/codec.py",
        old="hash_ = hash_ or event_hash(raw)",
        new="hash_ = event_hash(_encode(_anything.decode(raw)))",
        test="tests/sync/test_codec.py::test_the_bytes_of_others_are_read_however_they_spell_them",
    ),
    Fault(
        name="fork-overwrites",
        invariant="what continues a fork is kept beside, never in place of what came first",
        file="sync/ledger.py",
        old="elif linked and not on_main:",
        new="elif not linked and not on_main:",
        test="tests/sync/test_ledger.py::test_a_log_continued_twice_loses_nothing_and_is_found",
    ),
    Fault(
        name="break-unnamed",
        invariant="a changed event is found and the first bad one named",
        file="sync/ledger.py",
        old='return None if kept == advance(before, event_digest) else "changed"',
        new="return None",
        test="tests/sync/test_ledger.py::test_a_changed_event_is_named",
    ),
    Fault(
        name="quarantine-ignored",
        invariant="I6 what a revoked device sends later is put aside",
        file="sync/revocation.py",
        old="if inside or not revocations or",
        new="if inside or revocations or",
        test="tests/sync/test_revocation.py::test_what_no_revocation_names_is_put_aside_whatever_the_reason",
    ),
    Fault(
        name="quarantine-at-no-door",
        invariant="I6 what a revoked device sends later is put aside",
        file="backend/writing.py",
        old="if given is None and revoked_.kids:",
        new="if given is None and not revoked_.kids:",
        test=(
            "tests/backend/test_revoking.py"
            "::test_what_was_held_stands_and_what_comes_later_is_kept_receipted_and_put_aside"
        ),
    ),
    Fault(
        name="promotion-ignored",
        invariant="I6 what is put aside ends in a verdict once it is promoted",
        file="backend/revoked.py",
        old="return bool(found)",
        new="return not found",
        test="tests/backend/test_revoking.py::test_a_manager_promotes_one_event_and_the_rest_stays_put_aside",
    ),
    Fault(
        name="key-forgotten-at-re-enrolment",
        invariant="I1 a device whose key was replaced still hands over what it holds",
        file="backend/documents.py",
        old="for key in enrolled(self.con)),",
        new="for key in enrolled(self.con) if not key.revoked),",
        test="tests/backend/test_revoking.py::test_a_key_that_was_replaced_stays_listed_and_hands_over_what_it_holds",
    ),
    Fault(
        name="any-manager-anywhere",
        invariant="I20 nobody acts through the office outside his scope",
        file="backend/promoting.py",
        old="    _in_scope(writing, row[0], by)\n",
        new="",
        test="tests/backend/test_revoking.py::test_what_is_unknown_or_out_of_scope_is_not_found",
    ),
    Fault(
        name="epoch-a-device",
        invariant="a restore begins one new epoch, not one a device",
        file="backend/epoch.py",
        old="    return bool(ended)\n",
        new="    return False\n",
        test="tests/backend/test_meeting.py::test_a_receipt_that_is_not_held_ends_its_epoch_when_a_session_is_opened",
    ),
    Fault(
        name="restore-unnoticed",
        invariant="a backend that lost events is detected and refilled",
        file="backend/epoch.py",
        old="    return any(chain and chain_text(chain) == receipt.head for (chain,) in chains)\n",
        new="    return True\n",
        test="tests/backend/test_meeting.py::test_a_receipt_that_is_not_held_ends_its_epoch_when_it_comes_with_a_push",
    ),
    Fault(
        name="nothing-given-back",
        invariant="what was pulled is given back to a backend that lost it",
        file="device/effects.py",
        old="                giving.begin(con)\n",
        new="                pass\n",
        test=(
            "tests/together/test_restore.py::test_yesterdays_backup_under_running_devices_is_filled_again_in_one_round"
        ),
    ),
    Fault(
        name="older-document-wins",
        invariant="what a restored backend issues is above all that was ever given out",
        file="backend/returned.py",
        old="        if (self.rosters or self.revoked) and writing.issue(documents.roster_now(), above=True):\n",
        new="        if False:\n",
        test=("tests/backend/test_meeting.py::test_documents_that_went_beyond_ours_have_a_successor_above_both"),
    ),
    Fault(
        name="loss-holds-back",
        invariant="what was declared lost counts as stored and holds nothing back",
        file="backend/losses.py",
        old='        con.execute(_SQL["keep_lost_range"].text, row)\n',
        new='        con.execute(_SQL["keep_lost_range"].text, row | {"last": 0})\n',
        test=("tests/backend/test_losses.py::test_a_declared_range_counts_as_stored_and_the_log_goes_on_behind_it"),
    ),
    Fault(
        name="restore-steps-wrong",
        invariant="I10 what people are told to do after a loss fills the backend again",
        file="backend/commands/backup.py",
        old="  2. handover restore FOLDER",
        new="  2. handover rebuild FOLDER",
        test=(
            "tests/together/test_restore_steps.py"
            "::test_the_steps_of_the_help_bring_back_all_that_anybody_holds_and_tell_the_rest"
        ),
    ),
    Fault(
        name="backup-without-attachments",
        invariant="a backup holds the attachments that its database names",
        file="backend/carrying.py",
        old="            there = _one(source, into, name)\n",
        new="            there = None\n",
        test="tests/backend/test_backups.py::test_attachments_are_in_a_backup_and_come_back_with_it",
    ),
    Fault(
        name="wipe-at-surrender",
        invariant="I13 a revocation never deletes what nobody has received",
        file="device/store/fate.py",
        old="if unreceived or not left(con).nothing:",
        new="if unreceived is None:",
        test="tests/together/test_surrender.py::test_what_nobody_has_received_is_erased_by_no_command_and_no_date",
    ),
    Fault(
        name="records-though-revoked",
        invariant="I19 a device that knows it is revoked makes nothing more",
        file="device/record.py",
        old="if found is not None:",
        new="if found is not None and found.erased_ms:",
        test=(
            "tests/together/test_surrender.py"
            "::test_a_device_that_learns_that_it_is_revoked_records_no_more_and_hands_over_what_it_holds"
        ),
    ),
    Fault(
        name="challenge-reusable",
        invariant="I19 a replayed code is refused with no network: a challenge serves one code",
        file="sync/acceptance.py",
        old="return not asked.offers or event.hash in asked.offers",
        new="return True",
        test="tests/sync/test_acceptance.py::test_a_challenge_is_answered_once_and_by_whom_it_was_shown_to",
    ),
    Fault(
        name="challenge-never-used",
        invariant="I19 a replayed code is refused with no network: an answer uses the challenge",
        file="device/accepting.py",
        old="    if not seen.answers:\n",
        new="    if seen.answers:\n",
        test="tests/device/test_challenges.py::test_it_outlives_a_restart_and_is_still_used_once",
    ),
    Fault(
        name="key-left-behind",
        invariant="I13 what was surrendered is erased, after a kill at any point too",
        file="device/surrender.py",
        old='self._directory.glob("key-*")',
        new='self._directory.glob("no-*")',
        test="tests/together/test_surrender.py::test_a_surrender_goes_on_after_a_kill_at_any_point",
    ),
    Fault(
        name="key-of-nobody-s-vouching",
        invariant="I19 a key counts only where one that counts vouches for it",
        file="sync/session.py",
        old="                document = _verified(keys, line)\n            except Problem:\n                rest",
        new="                document = read_document(line.raw)\n            except Problem:\n                rest",
        test="tests/sync/test_session.py::test_a_chain_of_keys_that_begins_with_a_stranger_s_is_not_followed",
    ),
    Fault(
        name="key-change-slept-through",
        invariant="I10 a device follows its backend over any number of changes of its key",
        file="backend/rotation.py",
        old='    writing.con.execute(_SQL["note_key_change"].text, row)\n',
        new="",
        test=(
            "tests/together/test_rotation.py::test_devices_follow_the_key_over_as_many_changes_as_they_sleep_through"
        ),
    ),
    Fault(
        name="held-twice-across-branches",
        invariant="one event counts once, whichever way it came and on whichever branch it stands",
        file="sync/ledger.py",
        old="        elif there in ((digest_, None), (digest_, chain)):\n",
        new="        elif False:\n",
        test="tests/sync/test_ledger.py::test_what_came_by_itself_is_held_once_on_whichever_branch_it_stands",
    ),
    Fault(
        name="cursor-by-sequence",
        invariant="I12 a position is given when an event comes to count, not when it is stored",
        file="backend/writing.py",
        old="            position, job = self._count(place, standing)\n            self.con",
        new="            _, job = self._count(place, standing)\n            position = place.seq\n            self.con",
        test=(
            "tests/backend/test_pull.py"
            "::test_what_came_early_and_counts_late_stands_behind_every_cursor_given_out_in_between"
        ),
    ),
    Fault(
        name="cursor-skips",
        invariant="I12 a cursor never skips a committed row",
        file="backend/pull.py",
        old='{"job": job, "after": 0, "upto": upto}',
        new='{"job": job, "after": after, "upto": upto}',
        test="tests/proving/test_invariants.py::test_i12_a_cursor_skips_nothing_however_scope_and_backend_change",
    ),
    Fault(
        name="expiring-verdicts",
        invariant="I6 a final verdict never changes",
        file="backend/receive.py",
        old="        _, _, kept, _, word, _, _ = writing.con.execute(_SQL[name].text, where.names()).fetchone()\n",
        new=(
            "        _, received, kept, _, word, _, _ = "
            "writing.con.execute(_SQL[name].text, where.names()).fetchone()\n"
            "        if writing.now_ms - received > 86_400_000:\n"
            '            return Verdict(word="refused")\n'
        ),
        test="tests/proving/test_invariants.py::test_i6_a_final_verdict_is_the_same_days_and_restarts_later",
    ),
    Fault(
        name="stops-at-first-refusal",
        invariant="I5 bad items hold nothing up",
        file="backend/receive.py",
        old="            before = line.chain\n        held.through = held.highest = lines[-1].seq\n",
        new=(
            "            before = line.chain\n"
            '            if verdict.word == "refused":\n'
            "                break\n"
            "        held.through = held.highest = line.seq\n"
        ),
        test="tests/proving/test_invariants.py::test_i5_bad_items_among_others_hold_nothing_up",
    ),
    Fault(
        name="refused-not-stored",
        invariant="I4 received through k means that 1 to k are stored",
        file="backend/writing.py",
        old="            self._rows.append(row)\n            if len",
        new='            if said.word != "refused":\n                self._rows.append(row)\n            if len',
        test="tests/proving/test_invariants.py::test_i5_bad_items_among_others_hold_nothing_up",
    ),
    Fault(
        name="retry-without-timer",
        invariant="I17 who waits, waits in a state of its own",
        file="sync/session.py",
        old="        retry_at_ms=now_ms + max(wait_ms, min(asked_ms, LONGEST_ASKED_MS)),\n",
        new="        retry_at_ms=now_ms + 0 * max(wait_ms, min(asked_ms, LONGEST_ASKED_MS)),\n",
        test="tests/sync/test_session.py::test_a_wait_is_drawn_between_a_second_and_five_minutes",
    ),
    Fault(
        name="wipe-at-sign-out",
        invariant="I13 the end of a session deletes nothing",
        file="device/uplink.py",
        old='            self._world.fault("reply-read")\n',
        new=(
            "            if response.status == 401:\n"
            '                await self._store.writing(lambda con: con.execute("DELETE FROM outbox"))\n'
            '            self._world.fault("reply-read")\n'
        ),
        test="tests/proving/test_invariants.py::test_i13_what_nobody_received_outlives_the_end_of_a_persons_rights",
    ),
    Fault(
        name="delete-before-receipt",
        invariant="I1 nothing leaves the outbox without a receipt",
        file="device/uplink.py",
        old="            response = await self._transport.send(request)\n            self._world",
        new=(
            "            if isinstance(step, Push):\n"
            '                await self._store.writing(lambda con: con.execute("DELETE FROM outbox"))\n'
            "            response = await self._transport.send(request)\n"
            "            self._world"
        ),
        test="tests/proving/test_invariants.py::test_i17_when_faults_stop_every_outbox_empties",
    ),
    Fault(
        name="told-when-sent",
        invariant="what was sent to a device is not what it holds: a change is told once its cursor says so",
        file="backend/pull.py",
        old="    held = after if after > noted else 0\n",
        new="    held = upto if upto > noted else 0\n",
        test="tests/backend/test_order_api.py::test_a_change_is_told_once_the_holders_device_has_pulled_it_and_says_so",
    ),
    Fault(
        name="same-order-changed",
        invariant="the same order again is no event",
        file="backend/ordering.py",
        old="        if _content(held.order) == _content(order) and not held.cancelled:\n",
        new="        if held.order == order and not held.cancelled:\n",
        test="tests/backend/test_order_api.py::test_a_row_that_was_put_aside_is_mended_in_place_or_left_out_for_a_reason",
    ),
    Fault(
        name="bad-row-takes-away",
        invariant="a row that cannot be used takes nothing away from the order that is held",
        file="backend/ordering.py",
        old="        if held is not None and one.partial:\n",
        new="        if held is not None and one.partial and held.cancelled:\n",
        test="tests/backend/test_order_api.py::test_a_bad_row_takes_nothing_away_from_an_order_that_is_held",
    ),
    Fault(
        name="cancelled-under-way",
        invariant="an order taken back after an offer is put before a dispatcher and ends nothing by itself",
        file="backend/ordering.py",
        old="        if offered or found.visits or at is None",
        new="        if found.visits or at is None",
        test="tests/backend/test_order_api.py::test_an_order_taken_back_after_an_offer_is_put_before_a_dispatcher",
    ),
    Fault(
        name="orders-out-of-scope",
        invariant="who brings orders touches none out of scope",
        file="backend/ordering.py",
        old="        if held is not None and not self._reaches(held):\n",
        new="        if held is not None and not self._door:\n",
        test="tests/backend/test_order_api.py::test_a_system_brings_orders_of_the_sites_in_its_scope_and_touches_no_other",
    ),
    Fault(
        name="clock-ahead-measured",
        invariant="I14 a measure never takes a clock's word for what cannot have been",
        file="backend/project.py",
        old="awaited(writing, found.timeline), bounds, changes)\n",
        new="awaited(writing, found.timeline), changes=changes)\n",
        test=(
            "tests/backend/test_reports.py"
            "::test_measures_cut_a_clock_that_is_ahead_keep_what_was_said_and_tell_the_share_that_is_unsure"
        ),
    ),
    Fault(
        name="custody-corrected",
        invariant="what moved accountability is never corrected",
        file="sync/corrections.py",
        old="    - CUSTODY\n",
        new="",
        test="tests/sync/test_journey.py::test_what_moved_accountability_cannot_be_corrected",
    ),
    Fault(
        name="clone-not-held",
        invariant="I12 what a clone recorded is given to its twin, and kept",
        file="device/store/pulled.py",
        old="if own is None or b64(line_digest(own[0])) != hash_:",
        new="if own is None:",
        test=(
            "tests/proving/test_invariants.py::"
            "test_i3_a_clones_events_are_kept_beside_the_others_told_and_put_before_people"
        ),
    ),
    Fault(
        name="queue-taken-for-sent",
        invariant="I15 a queue that lay at rest drains",
        file="sync/session.py",
        old="        holds=received_through,\n        epoch=epoch,",
        new="        holds=recorded,\n        epoch=epoch,",
        test="tests/proving/test_invariants.py::test_i15_a_queue_that_lay_at_rest_drains",
    ),
    Fault(
        name="actor-of-the-device",
        invariant="I16 an event stays with whom it was recorded by",
        file="device/jobs.py",
        old="draft = Draft(kind=kind, actor=who, job=job,",
        new="draft = Draft(kind=kind, actor=self._here.people()[0], job=job,",
        test="tests/proving/test_invariants.py::test_i16_actor_device_and_job_stay_as_they_were_recorded",
    ),
    Fault(
        name="full-disk-crashes",
        invariant="I18 a full disk is a problem with a remedy, and keeps I1",
        file="device/store/sqlite.py",
        old="    if code == sqlite3.SQLITE_FULL or (code",
        new="    if (code",
        test="tests/proving/test_invariants.py::test_i18_a_full_disk_loses_nothing_that_was_shown",
    ),
    Fault(
        name="outbox-row-of-its-own",
        invariant="I1 an event and its outbox row are one transaction",
        file="device/store/log.py",
        old='        con.execute(_sql["put_out"], place)\n',
        new=(
            '        con.execute("COMMIT")\n        con.execute("BEGIN IMMEDIATE")\n'
            '        con.execute(_sql["put_out"], place)\n'
        ),
        test=(
            "tests/proving/test_invariants.py::"
            "test_i1_what_was_shown_as_recorded_is_received_or_waits_wherever_a_side_dies"
        ),
    ),
    Fault(
        name="pull-outside-scope",
        invariant="I20 nobody is given what lies outside his scope",
        file="backend/pull.py",
        old="    return bool(reached)\n",
        new="    return True\n",
        test="tests/proving/test_invariants.py::test_i20_no_device_is_given_what_lies_outside_its_scope",
    ),
    Fault(
        name="addressee-unchecked",
        invariant="I19 a code for somebody else is refused with no network",
        file="sync/acceptance.py",
        old="    if not any(directory.belongs(receiver.party, to) for to in offered.to):\n",
        new="    if not offered.to:\n",
        test=(
            "tests/proving/test_invariants.py::"
            "test_i19_forged_replayed_and_misdirected_codes_are_refused_with_no_network"
        ),
    ),
    Fault(
        name="batch-unverified",
        invariant="I11 a batch that its device did not sign is found, and its first event named",
        file="backend/verify/logs.py",
        old='            verify(batch.jws, batch.header, "ho-batch", self.log.jwk)\n',
        new="",
        test="tests/backend/test_verify.py::test_the_first_bad_event_is_named",
    ),
    Fault(
        name="manifest-unlisted",
        invariant="a proof from which a file was taken is found out",
        file="backend/proof_check.py",
        old="            if name not in self.files:\n                yield Finding(",
        new="            if not name:\n                yield Finding(",
        test="tests/backend/test_proof.py::test_any_missing_file_and_any_that_was_added_is_found",
    ),
    Fault(
        name="closed-word-dropped",
        invariant="a kind is for ever: what was written once is read for ever as it was",
        file="sync/events.py",
        old='met: Literal["met", "remote", "guest", "witnessed"]',
        new='met: Literal["met", "remote", "witnessed"]',
        test="tests/sync/test_wire.py::test_a_golden_event_is_read_for_ever_as_it_was",
    ),
    Fault(
        name="newer-refused",
        invariant="I15 what is newer than the reader waits, and is never refused",
        file="sync/judge.py",
        old='Verdict(word="parked", code=NEWER_SCHEMA.slug',
        new='Verdict(word="refused", code=NEWER_SCHEMA.slug',
        test="tests/proving/test_invariants.py::test_i15_what_a_newer_app_recorded_waits_and_counts_after_the_upgrade",
    ),
    Fault(
        name="migration-edited",
        invariant="I15 a migration that a released database went through stays as it is",
        file="device/store/migrations/002_pulled.sql",
        old="CREATE TABLE pulled (",
        new="CREATE TABLE pulled  (",
        test="tests/proving/test_versions.py::test_no_migration_that_a_kept_database_went_through_was_changed",
    ),
    Fault(
        name="webhook-anywhere",
        invariant="no machine on a closed network is called, whatever name it was given",
        file="backend/webhooks/addresses.py",
        old="if not (is_open(address) or host in self._names or self._is_listed(address)):",
        new="if not address:",
        test="tests/backend/test_webhooks.py::test_what_is_not_on_the_open_network_is_refused_unless_it_is_listed",
    ),
    Fault(
        name="outbox-skips",
        invariant="a webhook is told of each event once, and of none twice or never",
        file="backend/store/queries/webhooks.sql",
        old="SELECT DISTINCT job FROM touch WHERE position > :after AND position <= :upto;",
        new="SELECT DISTINCT job FROM touch WHERE position > :after + 1 AND position < :upto;",
        test="tests/backend/test_webhooks.py::test_a_receiver_that_was_down_gets_everything_once_in_order_and_signed",
    ),
    Fault(
        name="codes-stay-open",
        invariant="of the codes made for a device the last one alone can be used",
        file="backend/enrolment.py",
        old='    writing.con.execute(_SQL["void_codes"].text, {"device": device})\n    until',
        new="    until",
        test="tests/backend/test_devices.py::test_a_code_is_over_after_ten_minutes_and_void_once_it_is_replaced_or_ended",
    ),
    Fault(
        name="labels-of-all",
        invariant="I20 nobody prints what is outside his scope",
        file="backend/labels.py",
        old='if keys is None or keys & {EVERY_SITE, f"site:{one.site}"}]\n    _check',
        new="if one.site]\n    _check",
        test="tests/backend/test_labels.py::test_what_is_out_of_scope_is_as_if_it_were_not_there",
    ),
    Fault(
        name="words-left-in-witness",
        invariant="of what was redacted no bytes stay anywhere",
        file="backend/restating.py",
        old="        for place, raw, actor in list(_holding(writing, taken)):",
        new="        for place, raw, actor in list(_holding(writing, {})):",
        test="tests/backend/test_redacting.py::test_a_code_that_is_scanned_later_is_emptied_as_it_comes",
    ),
    Fault(
        name="redaction-drops-the-chain",
        invariant="a redaction takes nothing from chains and signatures",
        file="backend/store/queries/redact.sql",
        old="UPDATE event SET bytes = :line WHERE log = :log AND seq = :seq;",
        new="UPDATE event SET bytes = :line, chain = NULL WHERE log = :log AND seq = :seq;",
        test="tests/backend/test_redacting.py::test_what_was_said_is_gone_from_every_place_and_what_was_decided_stays",
    ),
    Fault(
        name="redacted-bytes-kept-again",
        invariant="bytes that come after their redaction are not kept",
        file="backend/writing.py",
        old="redactions.said(digest_) if digest_ in redactions.open or event is None else None",
        new="redactions.said(digest_) if event is None else None",
        test="tests/backend/test_redacting.py::test_bytes_that_come_after_their_redaction_are_not_kept",
    ),
    Fault(
        name="forgotten-before-received",
        invariant="a device drops nothing that is not received, not even what was redacted",
        file="device/store/redactions.py",
        old="if is_own and not own[3] else ()",
        new="if is_own else ()",
        test="tests/device/test_redactions.py"
        "::test_the_bytes_stay_until_a_receipt_covers_them_and_are_read_as_what_is_left_at_once",
    ),
    Fault(
        name="restated-by-anybody",
        invariant="what is left of an event is what the office signed",
        file="backend/verify/redacted.py",
        old="if kept.get(hash_) != said.get(hash_):",
        new="if hash_ not in said:",
        test="tests/backend/test_redacting.py::test_a_changed_hash_and_a_text_that_nobody_signed_are_found",
    ),
    Fault(
        name="site-of-the-offer-alone",
        invariant="where a policy asks for scope, an offer that names another site opens no way around the job's",
        file="sync/answers.py",
        old="for site in (opened.site, offered.site):",
        new="for site in (offered.site or opened.site,):",
        test="tests/sync/test_boundary.py::test_a_policy_may_ask_that_job_and_offer_are_at_sites_of_the_receivers",
    ),
    Fault(
        name="scope-of-today",
        invariant="a flag says what the scope was as an event came to count, whatever it is now",
        file="backend/flagging.py",
        old="if any(since <= after and until > before for since, until in self._shared):",
        new="if self._shared:",
        test="tests/backend/test_flags.py"
        "::test_what_a_device_says_of_a_job_outside_its_scope_is_judged_all_the_same_and_flagged",
    ),
    Fault(
        name="stale-by-its-own-clock",
        invariant="how old a roster was is asked of what bounds an event, not of its wall clock",
        file="backend/flagging.py",
        old="at_ms=recorded_ms(event, bounds.get(hash_, Interval())),",
        new="at_ms=event.wall_ms,",
        test="tests/backend/test_flags.py::test_an_event_made_under_a_roster_that_had_long_been_replaced_is_flagged",
    ),
    Fault(
        name="forms-unchecked",
        invariant="a form is taken only from a page of the sender's own session",
        file="backend/pages/routes.py",
        old="    before_request=check_form,\n",
        new="",
        test=(
            "tests/backend/test_forged_forms.py::"
            "test_a_form_that_no_page_of_this_session_sent_is_refused_on_every_route"
        ),
    ),
    Fault(
        name="scope-dropped",
        invariant="outside scope the answer is that of an unknown id",
        file="backend/views.py",
        old="    if not reached:\n",
        new="    if not row:\n",
        test=(
            "tests/backend/test_authorisation.py::"
            "test_what_is_out_of_scope_is_answered_byte_for_byte_like_what_is_not_there"
        ),
    ),
    Fault(
        name="nonce-unasked",
        invariant="an ID token counts for the sign-in that it was made for",
        file="backend/accounts/providers.py",
        old='            nonce={"essential": True, "value": departure.nonce},\n',
        new="",
        test="tests/backend/test_providers.py::test_what_does_not_hold_opens_nothing_and_is_said",
    ),
    Fault(
        name="another-browser-signed-in",
        invariant="a sign-in comes back to the browser that left for it",
        file="backend/accounts/identities.py",
        old="row[:2] != (digest(binding.encode()), provider)",
        new="row[1] != provider",
        test="tests/backend/test_providers.py::test_an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes",
    ),
    Fault(
        name="session-kept-at-sign-in",
        invariant="a session begins with its sign-in",
        file="backend/pages/entrance.py",
        old="    return go(back, cookies=[session_cookie(token)])\n",
        new="    return go(back, cookies=[session_cookie(request.cookies.get(COOKIE, token))])\n",
        test=(
            "tests/backend/test_forged_forms.py::"
            "test_a_session_that_was_there_before_the_sign_in_is_worth_nothing_after_it"
        ),
    ),
    Fault(
        name="row-names-nothing",
        invariant="a row names only what is there",
        file="backend/masters/checks.py",
        old="if named not in field.also and all(",
        new="if not named and all(",
        test="tests/backend/test_master_sheets.py::test_a_row_may_name_one_that_comes_later_and_falls_with_it",
    ),
    Fault(
        name="row-overwritten",
        invariant="nobody overwrites what somebody else changed meanwhile",
        file="backend/masters/keeping.py",
        old="if held.version != was[1]:",
        new="if held.version < was[1]:",
        test="tests/backend/test_master_keeping.py"
        "::test_a_row_is_changed_on_what_was_seen_and_its_history_says_who_and_what",
    ),
    Fault(
        name="row-out-of-scope",
        invariant="I20 nobody reads outside role and scope",
        file="backend/masters/scope.py",
        old="if EVERY_SITE in keys or not sheet.scope:",
        new="if keys or not sheet.scope:",
        test="tests/backend/test_masters.py::test_a_row_is_read_by_whose_scope_its_sites_are_in",
    ),
    Fault(
        name="broken-cell-empty",
        invariant="a formula without a value is not taken for an empty cell",
        file="backend/workbooks.py",
        old='broken.setdefault(at, "no_value")',
        new="broken.pop(at, None)",
        test="tests/backend/test_workbooks.py::test_a_formula_is_read_by_its_value_and_one_without_or_in_error_is_named",
    ),
    Fault(
        name="search-outside-scope",
        invariant="I20 nobody finds customers, sites, assets or people outside the scope",
        file="backend/searching.py",
        old="            if self._in_scope(entry):\n",
        new="            if entry:\n",
        test="tests/backend/test_search.py::test_nothing_outside_the_scope_is_found",
    ),
    Fault(
        name="found-outside-scope",
        invariant="I20 nobody finds jobs, orders or items outside the scope",
        file="backend/views.py",
        old='{"key": key, "keys": scope_of(keys), "most": most}',
        new='{"key": key, "keys": scope_of(["site:*"]), "most": most}',
        test="tests/backend/test_search.py::test_nothing_outside_the_scope_is_found",
    ),
    Fault(
        name="stale-form-taken",
        invariant="an action on what has changed since is answered with who changed what, and records nothing",
        file="backend/acting.py",
        old="        if changes:\n            raise Changed(STALE, changes)\n",
        new="",
        test=(
            "tests/backend/test_office.py::test_an_action_on_what_has_changed_since_is_answered_with_who_changed_what"
        ),
    ),
)

SEEDED: Final[dict[str, str]] = {
    "no-unique-key": "drop the unique key",
    "receipt-before-commit": "receipt before commit",
    "cursor-by-sequence": "cursor by plain sequence",
    "expiring-verdicts": "expiring verdicts",
    "no-byte-compare": "no byte compare",
    "stops-at-first-refusal": "stop at first refusal",
    "refused-not-stored": "skip a refused item without storing it",
    "retry-without-timer": "retry without a timer",
    "fold-by-arrival": "fold by arrival",
    "unknown-refused": "a verdict that looks at what else has arrived",
    "wipe-at-sign-out": "wipe outbox at sign-out",
    "delete-before-receipt": "delete before receipt",
    "written-anew-before-hashing": "re-serialise before hashing",
    "epoch-a-device": "an epoch a device",
    "confirm-unchecked": "confirm without checking the acceptance",
    "wrong-typ-accepted": "wrong typ accepted",
}
"""By a fault's name here, what the protocol calls it: those that have to be caught whatever else is."""
