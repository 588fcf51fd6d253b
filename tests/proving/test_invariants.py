"""Each invariant of the protocol by itself, in a town where what threatens it happens; the rest is the simulation's."""

import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend.commands import verify
from backend.timeline import TimelineEntry, timeline
from device.codes import read_code
from sync import codec
from sync.acceptance import synthesis_of
from sync.clock import milliseconds
from sync.codec import read_event
from sync.events import SCHEMA, Draft, LogForked, NoteWritten
from sync.problems import Problem
from tests.proving.deeds import DEVICE_DEATHS, OFFICE_DEATHS, PAYLOAD, Deeds
from tests.proving.folding import rich_history
from tests.proving.test_simulation import look_at_all
from tests.proving.town import Phone, Town, copy
from tests.sync.cast import judged, tell
from tests.sync.folding import said_of, words

pytestmark = pytest.mark.anyio
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
async def town(template: Path, tmp_path: Path) -> AsyncIterator[Town]:
    town = Town(copy(template / "template", tmp_path / "town"), 4)
    await town.open()
    yield town
    assert not town.checker.findings, town.checker.findings
    await town.close()


@pytest.fixture
def deeds(town: Town) -> Deeds:
    return Deeds(town)


@pytest.fixture
def anna(town: Town) -> Phone:
    return town.phones["phone-anna"]


@pytest.fixture
def bo(town: Town) -> Phone:
    return town.phones["phone-bo"]


async def work(phone: Phone, count: int = 5, site: str = "mill") -> str:
    """Whoever holds the phone opens a job and writes so many notes: the job."""
    who = phone.agent.holding.people()[0]
    phone.tick()
    job = await phone.agent.jobs.open(who, site=site)
    for number in range(count):
        await phone.agent.jobs.note(who, job, f"note {number}")
    return job


async def offered(phone: Phone, job: str, *to: str) -> Any:  # noqa: ANN401 - a code that is shown
    who = phone.agent.holding.people()[0]
    return await phone.agent.offering.offer(who, job, PAYLOAD, to, boundary="any")


async def accepted(phone: Phone, offer: Any) -> Any:  # noqa: ANN401 - as above
    who = phone.agent.holding.people()[0]
    seen = await phone.agent.accepting.look(who, read_code(offer.texts))
    words_ = synthesis_of("the seal leaks", [], seen.choices, seen.content.payload)
    return await phone.agent.accepting.accept(who, seen, words_)


def state(town: Town) -> tuple[object, ...]:
    """All that the backend holds and says, in no order."""
    rows = {(name, row.hash, row.verdict) for name, row in town.office.store().rows}
    return rows, sorted(town.office.rows("SELECT id, accountable, open_cases FROM job_row"))


@pytest.mark.parametrize("point", [*DEVICE_DEATHS, *(f"backend {point}" for point in OFFICE_DEATHS)])
async def test_i1_what_was_shown_as_recorded_is_received_or_waits_wherever_a_side_dies(
    town: Town, deeds: Deeds, anna: Phone, point: str
) -> None:
    await work(anna)
    world = town.office.world if point.startswith("backend") else anna.world
    assert world is not None
    world.crash_at(point.removeprefix("backend "))
    await deeds.record(anna, 1)
    if anna.is_on:
        await deeds.sync(anna)
    town.look()
    assert anna.deaths + town.office.deaths == 1
    await deeds.heal()


async def test_i2_the_same_pushes_again_in_any_order_change_nothing(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    job = await work(anna)
    await accepted(bo, await offered(anna, job, "bo"))
    for phone in (anna, bo):
        await deeds.sync(phone, "duplicate")
        await work(phone)
        await deeds.sync(phone, "lost reply")
        await deeds.sync(phone)
    before = state(town)
    for number in (3, 0, 2, 1, 1, 0):
        for phone in (bo, anna):
            await deeds.replay(phone, number)
    town.look()
    assert deeds.counts["replayed"] == 12
    assert state(town) == before


async def test_i3_a_clones_events_are_kept_beside_the_others_told_and_put_before_people(
    town: Town, deeds: Deeds, anna: Phone
) -> None:
    job = await work(anna)
    await deeds.sync(anna)
    await deeds.clone(anna)
    twin = town.phones["phone-anna+1"]
    await anna.agent.jobs.note("anna", job, "here")
    await twin.agent.jobs.note("anna", job, "there")
    for phone in (anna, twin, anna):
        await deeds.sync(phone)
    town.look()
    one, other = anna.recorded(), twin.recorded()
    ((name, _),) = one.items() - other.items()
    held = {row.hash for where, row in town.office.store().rows if where == name}
    assert held == {one[name], other[name]}
    assert town.office.rows('SELECT count(*) FROM event WHERE instr(bytes, \'"kind":"log.forked"\')') == [(1,)]
    assert {anna.agent.holding.row.state, twin.agent.holding.row.state} == {"stopped"}
    await deeds.heal()


async def test_i4_a_receipt_reaches_no_further_than_what_is_stored_and_chained(
    town: Town, deeds: Deeds, anna: Phone
) -> None:
    await work(anna)
    await deeds.sync(anna, "held up")
    await work(anna)
    await deeds.sync(anna, "lost reply")
    await deeds.deliver(anna)
    await work(anna)
    await deeds.sync(anna, "duplicate")
    assert town.receipts >= 4
    await deeds.heal()


async def test_i5_bad_items_among_others_hold_nothing_up(town: Town, deeds: Deeds, anna: Phone) -> None:
    job = await work(anna, 2)
    bad = []
    for _ in range(3):
        forged = Draft(kind="log.forked", actor="anna", body=LogForked(log=anna.agent.holding.row.log, seq=1))
        bad += [one.hash for one in await anna.agent.holding._door.record([forged])]
        await anna.agent.jobs.note("anna", job, "between")
    await deeds.sync(anna)
    words_ = {row.hash: row.verdict for _, row in town.office.store().rows}
    own = anna.recorded().values()
    assert {hash_ for hash_ in own if words_[hash_] == "refused"} == set(bad)
    assert {words_[hash_] for hash_ in own if hash_ not in bad} == {"applied"}
    assert anna.outbox() == {}
    await deeds.heal()


async def test_i6_a_final_verdict_is_the_same_days_and_restarts_later(town: Town, deeds: Deeds, anna: Phone) -> None:
    await work(anna)
    forged = Draft(kind="log.forked", actor="anna", body=LogForked(log=anna.agent.holding.row.log, seq=1))
    await anna.agent.holding._door.record([forged])
    await deeds.sync(anna)
    before = state(town)
    town.clock.now_ms += 30 * DAY_MS
    await deeds.restart_office()
    await deeds.sync(anna)
    await work(anna, 0)
    await deeds.sync(anna)
    for number in range(3):
        await deeds.replay(anna, number)
    town.look()
    rows, _ = state(town)
    assert set(before[0]) <= set(rows)  # type: ignore[call-overload]
    assert deeds.counts["replayed"] == 3


async def test_i7_every_order_and_partition_of_a_days_events_is_one_fold(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    cem = town.phones["phone-cem"]
    for _ in range(2):
        offer = await offered(anna, await work(anna, 1), "bo", "cem")
        for phone in (bo, cem):
            await accepted(phone, offer)
    await deeds.heal()
    await deeds.settle(0)
    await deeds.heal()
    assert deeds.counts["office: resolve"] == 1
    look_at_all(town, orders=30)


@pytest.mark.parametrize("order", [("anna", "bo", "cem"), ("cem", "bo", "anna"), ("bo", "anna", "cem")])
async def test_i8_one_party_is_accountable_at_every_step_of_a_contest(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone, order: tuple[str, ...]
) -> None:
    job = await work(anna, 1)
    await deeds.sync(anna)
    offer = await offered(anna, job, "bo", "cem")
    for phone in (bo, town.phones["phone-cem"]):
        await accepted(phone, offer)
    said = []
    for name in order:
        await deeds.sync(town.phones[f"phone-{name}"])
        said += town.office.rows("SELECT accountable, open_cases FROM job_row WHERE id = ?", job)
        look_at_all(town, orders=2, healed=False)
    assert all(party for party, _ in said)
    assert said[-1] == ("anna", 1), "nobody decides a contest silently: the party of the node stays accountable"


async def test_i9_an_acceptance_whose_only_offer_was_withdrawn_opens_a_case(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    job = await work(anna, 1)
    offer = await offered(anna, job, "bo")
    await accepted(bo, offer)
    await anna.agent.offering.withdraw("anna", offer.event)
    for phone in (anna, bo):
        await deeds.sync(phone)
    assert town.office.rows("SELECT accountable, open_cases FROM job_row WHERE id = ?", job) == [("anna", 1)]
    await deeds.heal()
    look_at_all(town)


async def test_i10_a_backend_that_lost_a_day_is_found_out_once_and_filled_again(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    await work(anna)
    await deeds.sync(anna)
    await deeds.back_up()
    for phone in (anna, bo):
        await work(phone)
        await deeds.sync(phone)
    before = {(name, row.hash) for name, row in town.office.store().rows}
    epochs = {town.office.store().epoch}
    await deeds.restore()
    for phone in (anna, bo):
        town.clock.now_ms += 400_000
        await deeds.sync(phone)
        epochs.add(town.office.store().epoch)
    logs = {name[0] for phone in (anna, bo) for name in phone.recorded()}
    after = {(name, row.hash) for name, row in town.office.store().rows}
    assert {one for one in before if one[0][0] in logs} == {one for one in after if one[0][0] in logs}
    assert len(epochs) == 2, "one new epoch, not one a device"
    await deeds.heal()


@pytest.mark.parametrize("seed", range(4))
async def test_i11_a_changed_event_is_found_and_the_first_bad_one_named(
    town: Town, deeds: Deeds, anna: Phone, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    await work(anna, 8)
    await deeds.sync(anna)
    await town.office.stop()
    assert verify.main(["--database", str(town.office.database)]) == 0
    rng = random.Random(seed)
    name, _ = rng.choice(sorted(anna.recorded().items())[1:])
    with closing(sqlite3.connect(town.office.database)) as con:
        look = "SELECT bytes FROM event WHERE log = (SELECT ref FROM log WHERE log = ?) AND seq = ?"
        ((raw,),) = con.execute(look, name).fetchall()
        at = raw.index(b'"wall":"') + 9
        change = "UPDATE event SET bytes = ? WHERE log = (SELECT ref FROM log WHERE log = ?) AND seq = ?"
        con.execute(change, (raw[:at] + b"1" + raw[at + 1 :], *name))
        con.commit()
    capsys.readouterr()
    assert verify.main(["--database", str(town.office.database)]) == 1
    said = capsys.readouterr()
    assert f"{name[0]}:{name[1]}" in said.out + said.err
    town.checker.findings.clear()


async def test_i12_a_cursor_skips_nothing_however_scope_and_backend_change(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    for turn, sites in enumerate(((), ("mill",), ("mill", "quay"), ("quay",), ("mill",))):
        await work(bo, 2, site=("mill", "quay")[turn % 2])
        await deeds.sync(bo)
        await town.move("anna", sites)
        await deeds.sync(anna, "cut reply" if turn % 2 else "lost reply", "pull")
        await deeds.sync(anna)
    await deeds.heal()
    assert anna.pulled()


@pytest.mark.parametrize("ending", ["scope", "session", "revocation", "disk"])
async def test_i13_what_nobody_received_outlives_the_end_of_a_persons_rights(
    town: Town, deeds: Deeds, anna: Phone, ending: str
) -> None:
    await work(anna)
    await deeds.sync(anna)
    await work(anna)
    town.show()
    if ending == "scope":
        await town.move("anna", ())
    elif ending == "session":
        await deeds.restart_office()
    elif ending == "revocation":
        await deeds.revoke(anna, "left")
    else:
        await deeds.fill_disk(anna, full=True)
    await deeds.sync(anna, "lost request", "challenge" if ending == "session" else "push")
    town.look()
    await deeds.heal()
    held = {row.hash for _, row in town.office.store().rows}
    assert {hash_ for hashes in town.checker.shown.values() for hash_ in hashes} <= held


@pytest.mark.parametrize("seed", range(5))
async def test_i14_no_clock_moves_accountability_a_verdict_or_a_case(seed: int) -> None:
    rng = random.Random(seed)
    steps = rich_history(rng)
    plain = tell(steps)
    shifted = tell(steps, {step.log: rng.randint(-5_000, 5_000) * DAY_MS for step in steps})
    one, other = judged(plain.events.values()), judged(shifted.events.values())
    assert words(plain, one) == words(shifted, other)
    assert said_of(plain, one) == said_of(shifted, other)


async def lived(folder: Path, shift_ms: int) -> tuple[object, dict[str, TimelineEntry], int]:
    """A handover with no network, two hours after both devices synced and two before they do again.

    Anna's clock is set in between, and Bo's where hers is set forward. Given are who is accountable, in which cases and
    with which verdicts, what Anna recorded as the office shows it, by kind, and when it was in truth.
    """
    town = Town(folder, 2)
    await town.open()
    deeds, anna, bo = Deeds(town), town.phones["phone-anna"], town.phones["phone-bo"]
    town.clock.now_ms += 1_000
    await deeds.sync(anna)
    await deeds.sync(bo)
    town.clock.now_ms += 2 * HOUR_MS
    anna.shift_ms = shift_ms
    bo.shift_ms = max(shift_ms, 0)  # an offer from the future is not accepted with no network
    bo.tick()
    job = await work(anna, 1)
    await accepted(bo, await offered(anna, job, "bo"))
    at_ms = town.clock.now_ms
    town.clock.now_ms += 2 * HOUR_MS
    await deeds.heal()
    ((ref,),) = town.office.rows("SELECT ref FROM job WHERE job = ?", job)
    with closing(sqlite3.connect(town.office.database)) as con:
        entries = timeline(con, ref)
    own = {entry.kind: entry for entry in entries if entry.actor == "anna"}
    stands = town.office.rows("SELECT accountable, open_cases, state FROM job_row WHERE id = ?", job)
    verdicts = sorted(word for phone in (anna, bo) for word in phone.told().values())
    assert not town.checker.findings, town.checker.findings
    await town.close()
    return (stands, verdicts, [(entry.kind, entry.actor) for entry in entries]), own, at_ms


async def test_i14_a_clock_that_was_set_a_day_off_is_bounded_to_minutes_and_flagged_and_moves_nothing(
    template: Path, tmp_path: Path
) -> None:
    stands, right, _ = await lived(copy(template / "template", tmp_path / "right"), 0)
    assert set(right) == {"job.opened", "note.written", "handover.offered"}
    assert not any(entry.clock_off or entry.time_unsure for entry in right.values())
    for shift_ms in (DAY_MS, -DAY_MS):
        moved, off, at_ms = await lived(copy(template / "template", tmp_path / f"off by {shift_ms}"), shift_ms)
        assert moved == stands
        assert off.keys() == right.keys()
        for entry in off.values():
            assert entry.clock_off
            assert at_ms - 300_000 < milliseconds(entry.not_before or "") <= at_ms + 1_000
            assert at_ms <= milliseconds(entry.not_after or "") < at_ms + 300_000


async def test_i15_a_queue_that_lay_at_rest_drains(town: Town, deeds: Deeds, anna: Phone) -> None:
    await work(anna, 20)
    await anna.stop()
    await deeds.restart_office()
    town.clock.now_ms += 200 * DAY_MS
    await deeds.heal()
    assert anna.outbox() == {}


async def test_i16_actor_device_and_job_stay_as_they_were_recorded(town: Town, deeds: Deeds) -> None:
    shared = town.phones["shared"]
    shared.tick()
    await shared.agent.switch("dee", "2846")
    job = await shared.agent.jobs.open("dee", site="mill")
    await shared.agent.switch("eve", "2846")
    await shared.agent.jobs.note("eve", job, "mine")
    own = {read_event(raw).hash: read_event(raw) for (raw,) in shared.rows("SELECT raw FROM event")}
    await deeds.revoke(shared, "left")
    await deeds.heal()
    held = {read_event(raw).hash: read_event(raw) for (raw,) in town.office.rows("SELECT bytes FROM event")}
    assert {hash_: (one.actor, one.log, one.job, one.blobs) for hash_, one in own.items()} == {
        hash_: (held[hash_].actor, held[hash_].log, held[hash_].job, held[hash_].blobs) for hash_ in own
    }
    assert [one.actor for one in own.values() if one.job == job] == ["dee", "eve"]


async def test_i17_when_faults_stop_every_outbox_empties(town: Town, deeds: Deeds, anna: Phone, bo: Phone) -> None:
    for number, mishap in enumerate(("lost request", "lost reply", "held up", "cut request", "cut reply", "duplicate")):
        for phone in (anna, bo):
            await work(phone, 1)
            await deeds.sync(phone, mishap, ("push", "session")[number % 2], 700)  # type: ignore[arg-type]
            town.look()
    await deeds.heal()
    assert not any(phone.outbox() for phone in town.phones.values())


async def test_i18_a_full_disk_loses_nothing_that_was_shown(town: Town, deeds: Deeds, anna: Phone) -> None:
    await work(anna)
    await deeds.fill_disk(anna, full=True)
    for number in range(60):
        await deeds.record(anna, 4 * number + 1)
    town.look()
    assert deeds.counts["no: disk-full"]
    await deeds.sync(anna)
    town.look()
    await deeds.fill_disk(anna, full=False)
    await deeds.record(anna, 1)
    await deeds.heal()


async def test_i19_forged_replayed_and_misdirected_codes_are_refused_with_no_network(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone
) -> None:
    await town.office.stop()
    cem = town.phones["phone-cem"]
    offer = await offered(anna, await work(anna, 1), "bo")
    (text,) = offer.texts
    rng = random.Random(7)
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    for _ in range(40):
        at = rng.randrange(4, len(text))
        forged = text[:at] + rng.choice(letters.replace(text[at], "")) + text[at + 1 :]
        with pytest.raises(Problem):
            await bo.agent.accepting.look("bo", read_code([forged]))
    with pytest.raises(Problem, match="address"):
        await cem.agent.accepting.look("cem", read_code([text]))
    answer = await accepted(bo, offer)
    with pytest.raises(Problem):
        await bo.agent.accepting.look("bo", read_code([text]))
    other = await offered(anna, await work(anna, 1), "bo")
    with pytest.raises(Problem):
        await anna.agent.offering.confirm("anna", read_code(answer.texts), offer=other.event)
    await town.office.start()
    await deeds.revoke(anna, "compromised")
    await deeds.sync(bo)
    await town.office.stop()
    with pytest.raises(Problem, match="revoked"):
        await bo.agent.accepting.look("bo", read_code(other.texts))
    await town.office.start()
    await deeds.heal()


async def test_i20_no_device_is_given_what_lies_outside_its_scope(deeds: Deeds, anna: Phone, bo: Phone) -> None:
    secret = await work(bo, 3, site="quay")
    shared = await work(bo, 3, site="mill")
    await deeds.heal()
    jobs = {read_event(raw).job for (raw,) in anna.rows("SELECT raw FROM pulled")}
    assert shared in jobs
    assert secret not in jobs


@pytest.mark.parametrize("newer", ["kind", "schema"])
async def test_i15_what_a_newer_app_recorded_waits_and_counts_after_the_upgrade(
    town: Town, deeds: Deeds, anna: Phone, bo: Phone, monkeypatch: pytest.MonkeyPatch, newer: str
) -> None:
    """An app that was updated before the backend was: a kind, or a version of a known one, that nobody here knows."""
    job = await work(anna, 1)
    strange = Draft(kind="job.teleported", actor="anna", body=NoteWritten(text="beamed"), job=job)
    if newer == "schema":
        strange = msgspec.structs.replace(strange, kind="note.written")
    with monkeypatch.context() as app:
        app.setattr(codec, "SCHEMA", 2 if newer == "schema" else SCHEMA)
        (recorded,) = await anna.agent.holding._door.record([strange])
    await anna.agent.jobs.note("anna", job, "after it")
    await deeds.heal()
    words_ = {row.hash: row.verdict for _, row in town.office.store().rows}
    own = anna.recorded()
    assert words_.pop(recorded.hash) == "parked"
    assert {words_[hash_] for hash_ in own.values() if hash_ != recorded.hash} == {"applied"}
    monkeypatch.setitem(codec._bodies, "job.teleported", codec._bodies["note.written"])
    monkeypatch.setattr(codec, "SCHEMA", 2)
    await deeds.restart_office()
    await deeds.heal()
    assert {row.verdict for _, row in town.office.store().rows} == {"applied"}
    assert recorded.hash in bo.pulled()
