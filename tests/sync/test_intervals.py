"""When an event can have been recorded: true bounds whatever the wall clocks say, and lies that bound nobody else."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import Anchor, Moment, milliseconds, rfc3339
from sync.codec import read_event, write_event
from sync.events import (
    Accepted,
    CheckCleared,
    CheckOverridden,
    Confirmed,
    Correction,
    Draft,
    Event,
    Fact,
    JobCancelled,
    JobClosedByRule,
    JobOpened,
    JobReleased,
    JobReopened,
    JobResolved,
    NoteWritten,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import b64, digest
from sync.intervals import (
    DRIFT,
    OFF_MS,
    Held,
    Interval,
    anchor_ms,
    intervals,
    is_off,
    is_unsure,
    measured_ms,
    time_anchor,
)
from sync.payload import Payload, Synthesis
from tests.sync.cast import POLICY_REFERENCE, REFERENCES, START_MS, log_id
from tests.sync.histories import rngs

HOUR_MS = 3_600_000
ROSTER = REFERENCES[1]
SOME = b64(digest(b"some event"))


def event(
    log: str = "anna's",
    seq: int = 2,
    *,
    wall_ms: int = START_MS,
    mono: int = 0,
    boot: str = "b",
    anchor: Anchor | None = None,
    kind: str = "note.written",
    body: Fact | None = None,
    job: str = "",
) -> Event:
    at = Moment(wall=rfc3339(wall_ms), mono=mono, boot=boot, anchor=anchor)
    draft = Draft(kind=kind, actor="anna", body=body or NoteWritten(text=f"{log} {seq}"), job=job)
    return read_event(write_event(draft, log=log_id(log), seq=seq, at=at))


def anchor(ms: int, mono: int = 0, trip: int | None = 0) -> Anchor:
    return Anchor(id=time_anchor(ms).id, mono=mono, trip=trip)


def only(*held: Held) -> Interval:
    """The interval of the first of these."""
    return intervals(held)[held[0].event.hash]


# -- signed times ---------------------------------------------------------------
@given(st.integers(0, 2**47))
def test_an_anchor_is_named_by_the_time_it_says(ms: int) -> None:
    document = time_anchor(min(ms, 253_402_300_799_999))
    assert len(document.id) <= 8
    assert anchor_ms(document.id) == document.version == milliseconds(document.issued_at)


@pytest.mark.parametrize("id_", ["", "short", "!!!!!!!!", "a" * 9])
def test_an_id_that_is_none_says_no_time(id_: str) -> None:
    assert anchor_ms(id_) is None
    assert only(Held(event(anchor=Anchor(id=id_, mono=0)))) == Interval()


# -- honest devices -------------------------------------------------------------
class Past:
    """What really happened: devices with clocks of their own, a backend that signs times and receives."""

    def __init__(self, rng: Random, size: int, shifts_ms: dict[str, int] | None = None) -> None:
        self.rng = rng
        self.shifts = shifts_ms or {}
        self.true: list[int] = []
        self.held: list[Held] = []
        self.now_ms = START_MS
        self._mono: dict[str, tuple[str, int, int]] = {}
        self._anchors: dict[str, Anchor | None] = {}
        self._seqs: dict[str, int] = {}
        self._boots = 0
        for _ in range(size):
            self._go_on()

    def _go_on(self) -> None:
        rng = self.rng
        log = rng.choice(("anna's", "bo's", "desk-1"))
        self.now_ms += rng.choice((1, 50, 1_000, HOUR_MS))
        if log not in self._mono or rng.random() < 0.1:
            # Booted: the count begins anywhere, a little fast or slow, and no signed time is known.
            self._boots += 1
            self._mono[log] = (f"boot-{self._boots}", self.now_ms - rng.randrange(10**6), rng.choice((-1, 0, 1)))
            self._anchors[log] = None
        if rng.random() < 0.3:
            asked, issued = self.now_ms, self.now_ms + rng.randrange(3_000)
            self.now_ms = issued + rng.randrange(3_000)
            trip = self._count(log, self.now_ms) - self._count(log, asked)
            known = trip + 1 if rng.random() < 0.8 else None
            self._anchors[log] = Anchor(id=time_anchor(issued).id, mono=self._count(log, self.now_ms), trip=known)
        self._record(log)

    def _count(self, log: str, at_ms: int) -> int:
        _, began, drift = self._mono[log]
        return at_ms - began + drift * ((at_ms - began) // (2 * DRIFT))

    def _record(self, log: str) -> None:
        rng, is_staff = self.rng, log == "desk-1"
        seq = self._seqs[log] = self._seqs.get(log, 1) + 1
        boot, _, _ = self._mono[log]
        if rng.random() < 0.5 and self.held:
            body: Fact = JobReleased(held=rng.choice(self.held).event.hash)
            kind = "job.released"
        else:
            kind, body = "note.written", NoteWritten(text=f"{len(self.held)}")
        found = event(
            log,
            seq,
            wall_ms=self.now_ms if is_staff else self.now_ms + self.shifts.get(log, 0),
            mono=self._count(log, self.now_ms),
            boot=boot,
            anchor=self._anchors[log],
            kind=kind,
            body=body,
        )
        received = self.now_ms if is_staff else self.now_ms + rng.choice((0, 1_000, 48 * HOUR_MS))
        self.true.append(self.now_ms)
        self.held.append(Held(found, received if is_staff or rng.random() < 0.9 else None, is_staff))


SIZES = st.integers(1, 14)


@given(rngs(), SIZES)
def test_what_really_happened_lies_within_the_bounds_and_nothing_is_contradicted(rng: Random, size: int) -> None:
    past = Past(rng, size)
    found = intervals(past.held)
    for true_ms, one in zip(past.true, past.held, strict=True):
        interval = found[one.event.hash]
        assert interval.lower is None or interval.lower <= true_ms
        assert interval.upper is None or true_ms <= interval.upper
        assert not interval.contradicted


@given(rngs(), SIZES, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_a_bound(rng: Random, size: int, order: Random) -> None:
    held = Past(rng, size).held
    again = [*held, *order.sample(held, len(held) // 2)]
    order.shuffle(again)
    assert intervals(again) == intervals(held)


@given(st.integers(0, 2**32), SIZES, st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_no_wall_clock_moves_a_bound_and_a_measure_stays_within_its_bounds(
    seed: int, size: int, anna_ms: int, bo_ms: int
) -> None:
    right = Past(Random(seed), size)
    wrong = Past(Random(seed), size, {"anna's": anna_ms, "bo's": bo_ms})
    found, shifted = intervals(right.held), intervals(wrong.held)
    for one, other in zip(right.held, wrong.held, strict=True):
        bounds = found[one.event.hash]
        assert shifted[other.event.hash] == bounds
        for event_ in (one.event, other.event):
            at = measured_ms(event_, bounds)
            assert bounds.lower is None or at >= bounds.lower
            assert bounds.upper is None or at <= bounds.upper
        if not is_unsure(one.event, bounds) and not is_unsure(other.event, bounds):
            assert abs(measured_ms(one.event, bounds) - measured_ms(other.event, bounds)) <= 2 * OFF_MS


@given(rngs(), SIZES, st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))
def test_whatever_a_device_claims_nothing_was_recorded_after_it_was_received(
    rng: Random, size: int, mono: int, issued_ms: int
) -> None:
    past = Past(rng, size)
    lie = event(
        "cem's", 2, mono=mono, anchor=anchor(abs(issued_ms), rng.randrange(10**6), rng.choice((None, 0, 10**9)))
    )
    names = JobReleased(held=lie.hash)
    after = event("bo's", 10**6, kind="job.released", body=names)
    held = [*past.held, Held(lie, START_MS + HOUR_MS), Held(after, START_MS + 2 * HOUR_MS)]
    found = intervals(held)
    for one in held:
        interval = found[one.event.hash]
        assert one.received_ms is None or (interval.upper is not None and interval.upper <= one.received_ms)
        assert interval.lower is None or interval.upper is None or interval.lower <= interval.upper


# -- one by one -----------------------------------------------------------------
def test_a_device_that_counted_since_a_signed_time_knows_when_it_was() -> None:
    later = 10_000_000
    one = Held(event(mono=later, anchor=anchor(START_MS, trip=400), wall_ms=START_MS - 10**11))
    assert only(one) == Interval(START_MS + later - 5_000, START_MS + later + 400 + 5_000)


def test_without_a_trip_a_signed_time_bounds_from_below_alone() -> None:
    one = event(mono=10, anchor=anchor(START_MS, trip=None))
    assert only(Held(one)) == Interval(START_MS + 10 - 1, None)
    assert only(Held(one, START_MS + 99)) == Interval(START_MS + 10 - 1, START_MS + 99)


def test_a_signed_time_that_came_later_tells_of_what_the_same_boot_counted_before() -> None:
    before = event(seq=2, mono=1_000)
    after = event(seq=3, mono=5_000, anchor=anchor(START_MS, 4_000))
    other = event(seq=4, mono=1_000, boot="another")
    found = intervals([Held(before), Held(after), Held(other)])
    assert found[before.hash] == Interval(START_MS - 3_000 - 2, START_MS - 3_000 + 2)
    assert found[other.hash] == Interval(START_MS + 1_000 - 1, None), "the count of another boot says nothing"


def test_nothing_is_later_than_the_receipt_of_what_refers_to_it() -> None:
    named = event("anna's")
    naming = event("bo's", kind="job.released", body=JobReleased(held=named.hash))
    assert only(Held(named, START_MS + 99), Held(naming, START_MS + 50)) == Interval(None, START_MS + 50)


def test_a_staff_log_is_written_by_the_clock_that_all_are_held_to() -> None:
    office = event("desk-1")
    answer = event("bo's", kind="job.released", body=JobReleased(held=office.hash))
    found = intervals([Held(office, START_MS + 5, is_staff=True), Held(answer, START_MS + 60)])
    assert found[office.hash] == Interval(START_MS, START_MS)
    assert found[answer.hash] == Interval(START_MS, START_MS + 60)
    assert only(Held(office, START_MS - 5, is_staff=True)) == Interval(START_MS - 5, START_MS - 5)


def test_a_log_continued_twice_has_no_order_of_its_places() -> None:
    one, twin = event(seq=3, wall_ms=START_MS + 1), event(seq=3, wall_ms=START_MS + 2)
    after = event(seq=4)
    found = intervals([Held(one, START_MS + 100), Held(twin, START_MS + 200), Held(after, START_MS + 50)])
    assert found[one.hash] == Interval(None, START_MS + 100)


def test_a_count_that_cannot_be_is_said_to_contradict_itself() -> None:
    future = event(mono=10**9, anchor=anchor(START_MS))
    assert only(Held(future, START_MS)) == Interval(None, START_MS, contradicted=True)
    one = event(seq=2, mono=0, anchor=anchor(START_MS))
    other = event(seq=3, mono=0, anchor=anchor(START_MS + HOUR_MS))
    assert only(Held(one), Held(other)) == Interval(None, None, contradicted=True)


def test_what_contradicts_others_keeps_what_its_own_device_counted() -> None:
    early = event("anna's", mono=0, anchor=anchor(START_MS))
    liar = event("bo's", mono=0, anchor=anchor(START_MS + HOUR_MS))
    naming = event("anna's", 3, mono=0, anchor=anchor(START_MS), kind="job.released", body=JobReleased(held=liar.hash))
    held = [Held(naming, START_MS + 2 * HOUR_MS), Held(liar, START_MS + 2 * HOUR_MS), Held(early)]
    assert only(*held) == Interval(START_MS, START_MS, contradicted=True)
    silent = event("cem's", kind="job.released", body=JobReleased(held=liar.hash))
    above = event("eva's", mono=0, anchor=anchor(START_MS), kind="job.released", body=JobReleased(held=silent.hash))
    held = [Held(silent, START_MS + 9 * HOUR_MS), Held(liar, START_MS + 9 * HOUR_MS), Held(above)]
    assert only(*held) == Interval(None, START_MS + 9 * HOUR_MS, contradicted=True)


CUSTODY = {"roster": ROSTER}
NAMING: Sequence[tuple[str, type[Fact], dict[str, object]]] = [
    ("handover.withdrawn", Withdrawn, {**CUSTODY, "offer": SOME, "sender": "anna"}),
    ("handover.refused", Refused, {**CUSTODY, "offer": SOME, "party": "bo", "reason": "no"}),
    ("handover.confirmed", Confirmed, {**CUSTODY, "offer": SOME, "accepted": SOME, "sender": "anna"}),
    ("handover.resolved", Resolved, {**CUSTODY, "basis": SOME, "cites": [SOME]}),
    ("handover.reassigned", Reassigned, {**CUSTODY, "basis": SOME, "party": "bo", "reason": "ill"}),
    ("job.resolved", JobResolved, {"node": SOME}),
    ("job.cancelled", JobCancelled, {"node": SOME, "reason": "no"}),
    ("job.closed_by_rule", JobClosedByRule, {"node": SOME, "rule": "r"}),
    ("job.reopened", JobReopened, {"closings": [SOME]}),
    ("job.released", JobReleased, {"held": SOME}),
    ("correction.made", Correction, {"corrects": SOME, "reason": "slip"}),
    ("check.cleared", CheckCleared, {"found": SOME}),
    ("check.overridden", CheckOverridden, {"found": SOME, "reason": "later"}),
    ("note.written", NoteWritten, {"text": "new", "replaces": [SOME]}),
    (
        "handover.accepted",
        Accepted,
        {**CUSTODY, "offer": SOME, "party": "bo", "synthesis": Synthesis(words="ok"), "met": "met"},
    ),
    (
        "handover.offered",
        Offered,
        {
            **CUSTODY,
            "basis": SOME,
            "sender": "anna",
            "to": ["bo"],
            "boundary": "any",
            "policy": POLICY_REFERENCE,
            "payload": Payload(),
        },
    ),
]


@pytest.mark.parametrize(("kind", "shape", "fields"), NAMING, ids=[kind for kind, _, _ in NAMING])
def test_whatever_names_an_event_came_after_it(kind: str, shape: type[Fact], fields: dict[str, object]) -> None:
    named = event("anna's")
    plain = msgspec.json.encode(fields).replace(SOME.encode(), named.hash.encode())
    naming = event("bo's", kind=kind, body=msgspec.json.decode(plain, type=shape))
    assert only(Held(named), Held(naming, START_MS)).upper == START_MS


def test_whatever_is_about_a_job_came_after_its_opening_and_what_is_newer_than_the_reader_is_bounded_too() -> None:
    opened = event("anna's", kind="job.opened", body=JobOpened(roster=ROSTER, party="anna", site="mill"))
    about = msgspec.structs.replace(event("bo's", job=opened.job), body=None)
    found = intervals([Held(opened), Held(about, START_MS + 7)])
    assert found[opened.hash] == found[about.hash] == Interval(None, START_MS + 7)


# -- what follows ---------------------------------------------------------------
BOUNDS = Interval(START_MS, START_MS + 1_000)


@pytest.mark.parametrize(
    ("wall_ms", "off", "measured"),
    [
        (START_MS + 500, False, START_MS + 500),
        (START_MS - OFF_MS, False, START_MS),
        (START_MS - OFF_MS - 1, True, START_MS),
        (START_MS + 1_000 + OFF_MS, False, START_MS + 1_000),
        (START_MS + 1_000 + OFF_MS + 1, True, START_MS + 1_000),
    ],
)
def test_a_wall_clock_is_cut_at_both_ends_and_flagged_beyond_five_minutes(
    wall_ms: int, off: bool, measured: int
) -> None:
    one = event(wall_ms=wall_ms)
    assert (is_off(one, BOUNDS), measured_ms(one, BOUNDS)) == (off, measured)
    assert is_unsure(one, BOUNDS) is off
    assert measured_ms(one, Interval()) == wall_ms
    assert not is_off(one, Interval())


def test_what_somebody_says_of_when_it_happened_is_cut_at_the_upper_end_alone() -> None:
    yesterday = rfc3339(START_MS - 24 * HOUR_MS)
    said = event(body=NoteWritten(text="by hand", occurred_at=yesterday))
    assert measured_ms(said, BOUNDS) == START_MS - 24 * HOUR_MS
    assert not is_unsure(said, BOUNDS)
    late = event(body=NoteWritten(text="by hand", occurred_at=rfc3339(START_MS + HOUR_MS)))
    assert measured_ms(late, BOUNDS) == START_MS + 1_000
    assert is_unsure(late, BOUNDS)


@pytest.mark.parametrize(
    ("bounds", "unsure"),
    [
        (BOUNDS, False),
        (Interval(START_MS - OFF_MS, START_MS + OFF_MS), False),
        (Interval(START_MS - OFF_MS, START_MS + OFF_MS + 1), True),
        (Interval(START_MS, None), True),
        (Interval(None, START_MS), True),
        (Interval(START_MS, START_MS, contradicted=True), True),
    ],
)
def test_a_time_is_unsure_where_nothing_bounds_it_to_five_minutes_each_way(bounds: Interval, unsure: bool) -> None:
    assert is_unsure(event(), bounds) is unsure
