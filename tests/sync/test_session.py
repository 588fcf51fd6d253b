"""The device's half of a conversation, against a small backend that keeps what it is sent, over a wire that loses."""

from collections.abc import Iterator
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import Anchor, Moment
from sync.codec import encode, write_event
from sync.events import Draft, Event, EventRedacted, LogForked, NoteWritten
from sync.ids import b64, digest, event_hash
from sync.intervals import time_anchor
from sync.ledger import advance, chain_start
from sync.policy import Policy, Roster, TimeAnchor
from sync.problems import (
    BAD_CURSOR,
    BAD_SIGNATURE,
    LOG_FORKED,
    NO_PROGRESS,
    NOT_SIGNED_IN,
    UNKNOWN_LOG,
    UNREADABLE,
    Problem,
)
from sync.protocol import (
    ChallengeReply,
    ChangedVerdict,
    Cursor,
    LeftJob,
    PulledDocument,
    PulledEvent,
    PullLine,
    PushReply,
    Receipt,
    ReturnReply,
    Sealed,
    SeqVerdict,
    SessionReply,
    chain_text,
    cursor_text,
    receipt_text,
)
from sync.redaction import restated
from sync.seal import Signer
from sync.session import (
    LONGEST_ASKED_MS,
    LONGEST_WAIT_MS,
    MOST_SETBACKS,
    REST_MS,
    SHORTEST_WAIT_MS,
    Answer,
    DropJob,
    Effect,
    EnterEpoch,
    GiveBack,
    KeepTime,
    MoveCursor,
    NeedsYou,
    NoteClock,
    NoteGiven,
    OpenSession,
    Pull,
    Push,
    Session,
    SignChallenge,
    Step,
    StopRecording,
    StoreDocument,
    StoreEvent,
    StoreOfficeReceipt,
    StoreReceipt,
    StoreVerdicts,
    TakeOut,
    Wait,
    begin,
    challenged,
    failed,
    given_back,
    next_step,
    nothing_to_give,
    pulled,
    pushed,
    recorded,
    signed_in,
    too_many_bytes,
    turned_away,
    wake,
)

LOG = b64(bytes(range(16)))
OFFICE = Signer(b"o" * 32)
STRANGER = Signer(b"s" * 32)
NOON = "2026-05-04T12:00:00Z"
NOON_MS = 1_777_896_000_000

Fault = Literal["none", "request lost", "reply lost", "twice", "late", "busy", "signed out", "too large", "restored"]
FAULTS: tuple[Fault, ...] = (
    "none",
    "request lost",
    "reply lost",
    "twice",
    "late",
    "busy",
    "signed out",
    "too large",
    "restored",
)


class SmallBackend:
    """What a backend must be for a device to be understood: it keeps bytes by seq and signs what it holds."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}
        self.changed: list[tuple[int, bytes, bytes]] = []
        self.epoch = 1
        self.key = OFFICE
        self.tells = ""
        self.lines: list[PullLine] = []

    def through(self) -> int:
        return next(seq for seq in range(len(self.held) + 1) if seq + 1 not in self.held)

    def push(self, first: int, raws: list[bytes]) -> PushReply:
        for seq, raw in enumerate(raws, first):
            if self.held.setdefault(seq, raw) != raw:
                self.changed.append((seq, self.held[seq], raw))
        return self.reply(min(self.through(), first + len(raws) - 1), first, first + len(raws) - 1)

    def chain(self, through: int) -> bytes:
        chain = chain_start(LOG)
        for seq in range(1, through + 1):
            chain = advance(chain, digest(self.held[seq]))
        return chain

    def reply(self, through: int, first: int = 1, last: int = 0) -> PushReply:
        head = chain_text(self.chain(through))
        text = receipt_text(Receipt(epoch=str(self.epoch), log=LOG, received_through=through, head=head))
        return PushReply(
            epoch=str(self.epoch),
            received_through=through,
            head=head,
            verdicts=tuple(SeqVerdict(seq=seq, verdict="applied") for seq in range(first, last + 1)),
            receipt=Sealed(text=text, jws=self.key.sign(text.encode(), "ho-receipt")),
            server_time=NOON,
        )

    def pull(self, cursor: str) -> list[PullLine | None]:
        epoch, position = cursor.split(".")[:2] if cursor else ("", "0")
        start = int(position) if epoch == str(self.epoch) else 0
        return [*self.lines[start:], Cursor(cursor_text(str(self.epoch), len(self.lines), "abcdef"))]

    def restore(self, keep: int) -> None:
        """An older backup takes its place: only the first `keep` events are left, and a new epoch begins."""
        self.held = {seq: raw for seq, raw in self.held.items() if seq <= keep}
        self.epoch += 1


class SmallDevice:
    """A device that does what the session says, and keeps what its effects say."""

    def __init__(self, backend: SmallBackend, events: int) -> None:
        self.backend = backend
        self.raws = [encode({"seq": seq}) for seq in range(1, events + 1)]
        self.now_ms = 0
        self.session = begin(LOG, recorded=events, received_through=0, epoch="1", cursor="", keys=[OFFICE.jwk])
        self.receipts: list[Receipt] = []
        self.effects: list[Effect] = []

    def chain(self, through: int) -> bytes | None:
        if through > len(self.raws):
            return None
        chain = chain_start(LOG)
        for raw in self.raws[:through]:
            chain = advance(chain, digest(raw))
        return chain

    def record(self) -> None:
        self.raws.append(encode({"seq": len(self.raws) + 1}))
        self.session = recorded(self.session, len(self.raws))

    def keep(self, session: Session, effects: tuple[Effect, ...]) -> None:
        self.session = session
        self.effects.extend(effects)
        for effect in effects:
            if isinstance(effect, EnterEpoch):
                self.receipts.clear()
            if isinstance(effect, StoreReceipt):
                self.receipts.append(effect.receipt)

    def shown_received(self) -> int:
        return max((receipt.received_through for receipt in self.receipts), default=0)

    def turn(self, fault: Fault, chance: float = 0.5) -> Step:
        """One step over a wire with this fault."""
        step = next_step(self.session, self.now_ms)
        if isinstance(step, Wait):
            self.now_ms += step.ms
            return step
        match fault:
            case "request lost":
                self.lose(chance)
            case "busy":
                answer = Answer(status=503, retry_after_ms=2_000)
                self.keep(*turned_away(self.session, step, answer, self.now_ms, chance))
            case "signed out":
                answer = Answer(status=401, slug=NOT_SIGNED_IN.slug)
                self.keep(*turned_away(self.session, step, answer, self.now_ms, chance))
            case "too large" if isinstance(step, Push):
                self.keep(*turned_away(self.session, step, Answer(status=413), self.now_ms, chance))
            case "restored":
                self.backend.restore(self.backend.through() // 2)
            case _:
                self.exchange(step, fault, chance)
        return step

    def turn_or_wait(self, fault: Fault, chance: float) -> None:
        """The same; where the conversation moves in a circle (many restores in one round) it waits and goes on."""
        try:
            self.turn(fault, chance)
        except Problem as problem:
            if problem.kind is not NO_PROGRESS:
                raise
            self.lose(chance)

    def lose(self, chance: float) -> None:
        self.keep(failed(self.session, "no-connection", self.now_ms, chance), ())

    def exchange(self, step: Step, fault: Fault, chance: float) -> None:
        """The request arrives, perhaps twice; its answer may be lost, or come when nobody waits for it any more."""
        for copy in range(2 if fault == "twice" else 1):
            answered = self.answer(step)
            if fault in ("reply lost", "late"):
                self.lose(chance)
            elif fault == "none" or copy == 1:
                self.keep(*answered)

    def answer(self, step: Step) -> tuple[Session, tuple[Effect, ...]]:
        match step:
            case OpenSession():
                return challenged(self.session, ChallengeReply(challenge="c")), ()
            case SignChallenge():
                reply_ = SessionReply(token="t", expires_s=60, epoch=self.backend.tells)  # noqa: S106 - no password
                return signed_in(self.session, reply_)
            case GiveBack():
                reply__ = ReturnReply(epoch=str(self.backend.epoch), lines=1, taken=0)
                return given_back(self.session, NoteGiven("document", 1), reply__, rest=False)
            case Pull(cursor):
                return pulled(self.session, self.backend.pull(cursor), self.now_ms, 40)
            case Push(first, last):
                reply = self.backend.push(first, self.raws[first - 1 : last])
                return pushed(self.session, step, reply, self.chain(reply.received_through))
            case Wait():
                raise TypeError("nothing is asked while waiting")

    def settle(self) -> None:
        """No fault any more: goes on until there is nothing to do."""
        for _ in range(200):
            step = self.turn("none")
            if isinstance(step, Wait) and step.why == "all done":
                return
        raise AssertionError("it never came to rest")


def device(events: int = 3) -> SmallDevice:
    return SmallDevice(SmallBackend(), events)


def ready(events: int = 3) -> SmallDevice:
    """Signed in, about to push."""
    one = device(events)
    one.turn("none")
    one.turn("none")
    return one


# -- whatever happens ----------------------------------------------------------
@given(
    events=st.integers(0, 12),
    batch=st.integers(1, 5),
    faults=st.lists(st.tuples(st.sampled_from(FAULTS), st.floats(0, 0.999), st.booleans()), max_size=40),
)
def test_when_faults_stop_the_outbox_empties(events: int, batch: int, faults: list[tuple[Fault, float, bool]]) -> None:
    one = device(events)
    one.session = msgspec.structs.replace(one.session, batch=batch)
    for fault, chance, also_record in faults:
        if also_record:
            one.record()
        one.turn_or_wait(fault, chance)
        held = one.backend.through()
        if one.session.epoch == str(one.backend.epoch):
            assert one.shown_received() <= held, "received is shown without the backend holding it"
        assert one.session.received_through <= one.shown_received()
    one.settle()
    assert one.backend.held == dict(enumerate(one.raws, 1))
    assert one.shown_received() == len(one.raws) or not one.raws
    assert one.backend.changed == [], "something was pushed again with other bytes"


# -- step by step --------------------------------------------------------------
def test_a_device_signs_in_pushes_pulls_and_rests() -> None:
    one = device()
    steps = [one.turn("none") for _ in range(6)]
    assert steps == [
        OpenSession(),
        SignChallenge("c"),
        Push(1, 3),
        Pull(""),
        Pull("1.0.abcdef"),
        Wait(REST_MS, "all done"),
    ]
    assert one.turn("none") == Pull("1.0.abcdef")


def test_what_is_recorded_during_a_rest_is_pushed_at_once() -> None:
    one = device()
    one.settle()
    one.record()
    assert next_step(one.session, one.now_ms) == Push(4, 4)


def test_waking_ends_a_rest_and_a_retry_timer() -> None:
    one = device()
    one.settle()
    one.now_ms -= 1
    assert isinstance(next_step(wake(one.session), one.now_ms), Pull)
    one.lose(0.5)
    assert isinstance(next_step(one.session, one.now_ms), Wait)
    assert isinstance(next_step(wake(one.session), one.now_ms), Pull)


def test_nothing_is_received_before_a_receipt_says_so() -> None:
    one = ready()
    one.turn("reply lost")
    assert one.backend.through() == 3
    assert one.session.received_through == 0
    assert one.shown_received() == 0


def test_a_reply_is_kept_with_its_verdicts_receipt_and_clock() -> None:
    one = ready()
    one.turn("none")
    kinds = [type(effect) for effect in one.effects]
    assert kinds == [NoteClock, StoreVerdicts, StoreReceipt]


# -- the retry timer -----------------------------------------------------------
@given(failures=st.integers(0, 40), chance=st.floats(0, 0.999999), asked=st.integers(0, 10**9))
def test_a_wait_is_drawn_between_a_second_and_five_minutes(failures: int, chance: float, asked: int) -> None:
    one = msgspec.structs.replace(device().session, failures=failures)
    after = failed(one, "no-connection", 0, chance)
    assert after.retry_at_ms is not None
    assert SHORTEST_WAIT_MS <= after.retry_at_ms <= LONGEST_WAIT_MS
    told = failed(one, "too-busy", 0, chance, asked).retry_at_ms
    assert told == max(after.retry_at_ms, min(asked, LONGEST_ASKED_MS))


def test_each_failure_in_a_row_widens_the_range() -> None:
    session = device().session
    waits = []
    for _ in range(12):
        session = failed(session, "no-connection", 0, 0.999999)
        waits.append(session.retry_at_ms)
    assert waits == sorted(waits, key=lambda wait: wait or 0)
    assert waits[0] is not None
    assert waits[0] < 2 * SHORTEST_WAIT_MS
    assert waits[-1] is not None
    assert waits[-1] > LONGEST_WAIT_MS - 10


def test_a_good_answer_ends_the_row_of_failures() -> None:
    one = ready()
    one.turn("request lost")
    one.turn("none")
    one.turn("none")
    assert (one.session.failures, one.session.retry_at_ms, one.session.trouble) == (0, None, "")


# -- answers that say no -------------------------------------------------------
def test_a_batch_that_is_too_large_is_halved_until_it_is_one_event() -> None:
    one = ready(events=5)
    one.turn("too large")
    assert next_step(one.session, 0) == Push(1, 2)
    one.turn("too large")
    assert next_step(one.session, 0) == Push(1, 1)
    one.turn("too large")
    assert isinstance(next_step(one.session, 0), Wait)
    assert one.effects == [NeedsYou("http-413", "")]


def test_a_device_that_sees_too_many_bytes_itself_sends_fewer_events() -> None:
    one = ready(events=5)
    step = next_step(one.session, 0)
    assert isinstance(step, Push)
    assert next_step(too_many_bytes(one.session, step), 0) == Push(1, 2)
    assert too_many_bytes(one.session, Push(1, 1)).batch == 1


def test_an_expired_session_is_opened_again_and_the_same_is_sent() -> None:
    one = ready()
    one.turn("signed out")
    assert one.turn("none") == OpenSession()
    one.turn("none")
    assert next_step(one.session, 0) == Push(1, 3)
    assert one.effects == []


def test_being_sent_to_sign_in_over_and_over_ends_in_the_retry_timer() -> None:
    one = ready()
    for _ in range(30):
        step = next_step(one.session, one.now_ms)
        if isinstance(step, Wait):
            break
        one.turn("signed out" if isinstance(step, Push) else "none")
    assert one.session.trouble == NOT_SIGNED_IN.slug
    assert one.effects == [NeedsYou(NOT_SIGNED_IN.slug, "")]


def test_a_cursor_that_was_not_given_out_here_is_dropped_once() -> None:
    one = ready()
    one.settle()
    step = next_step(wake(one.session), 0)
    no = Answer(status=409, slug=BAD_CURSOR.slug)
    session, effects = turned_away(wake(one.session), step, no, 0, 0.5)
    assert effects == (MoveCursor(""),)
    assert next_step(session, 0) == Pull("")
    _, effects = turned_away(session, Pull(""), no, 0, 0.5)
    assert effects == (NeedsYou(BAD_CURSOR.slug, ""),)


def test_a_busy_backend_is_left_alone_as_long_as_it_asks() -> None:
    one = ready()
    session, effects = turned_away(one.session, Push(1, 3), Answer(status=429, retry_after_ms=90_000), 0, 0.0)
    assert effects == ()
    assert next_step(session, 0) == Wait(90_000, "after a failure")


# -- receipts ------------------------------------------------------------------
def reply_of(one: SmallDevice, **changes: object) -> PushReply:
    reply = one.backend.push(1, one.raws)
    return msgspec.structs.replace(reply, **changes)


def test_a_forged_receipt_changes_nothing() -> None:
    one = ready()
    reply = one.backend.push(1, one.raws)
    text = reply.receipt.text.replace('"received_through":3', '"received_through":9')
    forged = msgspec.structs.replace(reply, receipt=Sealed(text=text, jws=reply.receipt.jws))
    with pytest.raises(Problem) as caught:
        pushed(one.session, Push(1, 3), forged, one.chain(3))
    assert caught.value.kind is BAD_SIGNATURE


def test_a_receipt_that_says_something_else_than_the_reply_is_not_read() -> None:
    one = ready()
    with pytest.raises(Problem) as caught:
        pushed(one.session, Push(1, 3), reply_of(one, received_through=2), one.chain(2))
    assert caught.value.kind is UNREADABLE


def test_a_receipt_by_an_unknown_key_counts_once_the_roster_lists_the_key() -> None:
    one = ready()
    one.backend.key = STRANGER
    one.turn("none")
    assert one.session.received_through == 0
    assert next_step(one.session, 0) == Pull("")
    one.backend.lines = [document(Roster(version=1, issued_at=NOON, keys=(OFFICE.jwk, STRANGER.jwk)))]
    one.turn("none")
    one.settle()
    assert one.shown_received() == 3


def test_a_receipt_by_a_key_that_nobody_vouches_for_never_counts() -> None:
    one = ready()
    one.backend.key = STRANGER
    with pytest.raises(Problem) as caught:
        one.settle()
    assert caught.value.kind is NO_PROGRESS
    assert one.shown_received() == 0


def test_a_head_that_is_not_in_the_own_chain_counts_for_nothing_and_all_is_sent() -> None:
    one = ready()
    one.settle()
    one.record()
    for seq in (1, 2, 3):
        one.backend.held[seq] = b'{"other":%d}' % seq
    reply = one.backend.push(4, one.raws[3:])
    session, effects = pushed(one.session, Push(4, 4), reply, one.chain(4))
    assert not any(isinstance(effect, StoreReceipt) for effect in effects)
    assert next_step(session, 0) == Push(1, 4)
    assert session.received_through == 3


def test_a_receipt_beyond_the_own_log_counts_for_nothing() -> None:
    one = ready()
    one.backend.held = dict.fromkeys(range(1, 8), b"{}")
    session, effects = pushed(one.session, Push(1, 3), one.backend.reply(7), one.chain(7))
    assert not any(isinstance(effect, StoreReceipt) for effect in effects)
    assert session.received_through == 0


# -- a backend that lost something ---------------------------------------------
def test_a_backend_that_holds_less_than_before_is_filled_again() -> None:
    one = ready()
    one.settle()
    del one.backend.held[2]
    one.record()
    one.turn("none")
    assert one.shown_received() == 3
    assert one.session.received_through == 1
    one.turn("none")
    assert one.backend.through() == 4


def test_a_restored_backend_is_asked_what_it_holds_and_gets_the_rest() -> None:
    one = ready(events=6)
    one.settle()
    one.backend.restore(2)
    one.now_ms += REST_MS
    assert isinstance(one.turn("none"), Pull)
    assert EnterEpoch("2") in one.effects
    assert one.shown_received() == 0, "a receipt of another epoch is none"
    assert one.turn("none") == GiveBack()
    assert one.turn("none") == Push(6, 6)
    assert one.turn("none") == Push(3, 6)
    one.settle()
    assert one.shown_received() == 6


def test_a_restore_met_at_a_push_is_noticed_by_its_epoch() -> None:
    one = ready(events=4)
    one.settle()
    one.backend.restore(1)
    one.record()
    one.turn("none")
    assert EnterEpoch("2") in one.effects
    one.settle()
    assert one.shown_received() == 5


# -- circles -------------------------------------------------------------------
def test_a_push_after_which_no_more_is_held_is_told_plainly() -> None:
    one = ready()
    one.settle()
    one.record()
    stuck = one.backend.reply(3)
    with pytest.raises(Problem) as caught:
        pushed(one.session, Push(4, 4), stuck, one.chain(3))
    assert caught.value.kind is NO_PROGRESS
    assert "4 to 4 were sent and taken, and 3 are held as before" in caught.value.detail


def test_a_backend_that_takes_back_what_it_said_again_and_again_is_told() -> None:
    one = ready()
    one.backend.push(1, one.raws)
    for _ in range(MOST_SETBACKS):
        session, _ = pushed(one.session, Push(1, 3), one.backend.reply(3), one.chain(3))
        one.session, _ = pushed(session, Push(1, 3), one.backend.reply(0), one.chain(0))
    session, _ = pushed(one.session, Push(1, 3), one.backend.reply(3), one.chain(3))
    with pytest.raises(Problem) as caught:
        pushed(session, Push(1, 3), one.backend.reply(0), one.chain(0))
    assert caught.value.kind is NO_PROGRESS
    assert "took back" in caught.value.detail


def test_a_cursor_that_goes_back_is_told() -> None:
    one = ready()
    session = msgspec.structs.replace(one.session, cursor=cursor_text("1", 9, "abcdef"))
    with pytest.raises(Problem) as caught:
        pulled(session, [Cursor(cursor_text("1", 8, "abcdef"))], 0, 40)
    assert caught.value.kind is NO_PROGRESS


# -- an old copy ---------------------------------------------------------------
def test_a_database_that_is_an_old_copy_records_no_more_and_still_sends() -> None:
    one = ready()
    reply = reply_of(one, longer=True)
    session, effects = pushed(one.session, Push(1, 3), reply, one.chain(3))
    assert StopRecording(LOG) in effects
    assert NeedsYou(LOG_FORKED.slug, LOG) in effects
    assert session.longer
    assert session.received_through == 3


def test_a_forked_verdict_says_the_same() -> None:
    one = ready()
    reply = reply_of(one, verdicts=(SeqVerdict(seq=2, verdict="applied", forked=True),))
    _, effects = pushed(one.session, Push(1, 3), reply, one.chain(3))
    assert StopRecording(LOG) in effects


# -- pull ----------------------------------------------------------------------
def document(value: Roster | Policy | TimeAnchor, signer: Signer = OFFICE) -> PulledDocument:
    raw = encode(value)
    return PulledDocument(raw, signer.sign(raw, "ho-doc"))


def test_a_pull_is_kept_line_by_line_in_its_order() -> None:
    one = ready()
    event = PulledEvent(1, 2, b"{}")
    policy = Policy(boundary="b", version=1, issued_at=NOON)
    verdict = SeqVerdict(seq=1, verdict="applied")
    lines = [document(policy), event, LeftJob("j" * 22), ChangedVerdict(LOG, verdict), None]
    cursor = cursor_text("1", 5, "abcdef")
    session, effects = pulled(one.session, [*lines, Cursor(cursor)], 0, 40)
    stored, *rest = effects
    assert isinstance(stored, StoreDocument)
    assert stored.document == policy
    assert rest == [StoreEvent(event), DropJob("j" * 22), StoreVerdicts(LOG, (verdict,)), MoveCursor(cursor)]
    assert session.cursor == cursor


def changed_keys(changes: int) -> tuple[list[PulledDocument], Signer]:
    """A roster for each change of the key, signed by the key before it; and the key in use after all of them."""
    signers = [OFFICE, *(Signer(bytes([number]) * 32) for number in range(1, changes + 1))]
    lines = []
    for at, signer in enumerate(signers[:-1]):
        keys = tuple(one.jwk for one in reversed(signers[: at + 2]))
        lines.append(document(Roster(version=at + 1, issued_at=NOON, keys=keys), signer))
    return lines, signers[-1]


@given(st.integers(1, 4), st.data())
def test_a_device_follows_any_number_of_key_changes_slept_through_in_whatever_order_they_come(
    changes: int, data: st.DataObject
) -> None:
    rosters, now = changed_keys(changes)
    policy = document(Policy(boundary="b", version=1, issued_at=NOON), now)
    other = PulledDocument(b'{"doc":"policy","boundary":"roster"}', OFFICE.sign(b"x", "ho-doc"))
    mentions = b'{"doc":"policy","boundary":"roster","version":1,"issued_at":""}'
    named = PulledDocument(mentions, now.sign(mentions, "ho-doc"))
    lines = data.draw(st.permutations([*rosters, policy, other, named]))
    session, effects = pulled(ready().session, [*lines, Cursor("1.1.abcdef")], 0, 40)
    assert now.jwk in session.keys
    assert len([one for one in effects if isinstance(one, StoreDocument)]) == changes + 2
    assert [one.slug for one in effects if isinstance(one, NeedsYou)] == [BAD_SIGNATURE.slug]


def test_a_chain_of_keys_that_begins_with_a_stranger_s_is_not_followed() -> None:
    rosters, now = changed_keys(3)
    session, effects = pulled(ready().session, [*rosters[1:], Cursor("1.1.abcdef")], 0, 40)
    assert session.keys == (OFFICE.jwk,)
    assert now.jwk not in session.keys
    assert [type(one) for one in effects] == [NeedsYou, NeedsYou, MoveCursor]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [None],
        [PulledEvent(1, 2, b"{}")],
        [Cursor("1.1.abcdef"), PulledEvent(1, 2, b"{}")],
        [Cursor("1.1.abcdef"), Cursor("1.2.abcdef")],
    ],
)
def test_a_pull_that_does_not_end_with_its_one_cursor_is_not_kept(lines: list[PullLine | None]) -> None:
    with pytest.raises(Problem) as caught:
        pulled(ready().session, lines, 0, 40)
    assert caught.value.kind is UNREADABLE


def bad_documents() -> Iterator[PulledDocument]:
    roster = Roster(version=1, issued_at=NOON)
    yield document(roster, STRANGER)
    good = document(roster)
    yield PulledDocument(good.raw.replace(b'"version":1', b'"version":2'), good.jws)
    raw = b'{"doc":"new kind"}'
    yield PulledDocument(raw, OFFICE.sign(raw, "ho-doc"))
    yield PulledDocument(good.raw, "no signature")
    yield document(time_anchor(NOON_MS), STRANGER)
    said = time_anchor(NOON_MS)
    yield PulledDocument(encode(said), OFFICE.sign(encode(said), "ho-batch"))
    yield document(msgspec.structs.replace(said, version=NOON_MS + 1))


@pytest.mark.parametrize("bad", list(bad_documents()))
def test_a_document_that_does_not_hold_stops_nothing_and_goes_to_a_person(bad: PulledDocument) -> None:
    event = PulledEvent(1, 2, b"{}")
    _, effects = pulled(ready().session, [bad, event, Cursor("1.1.abcdef")], 0, 40)
    assert [type(effect) for effect in effects] == [NeedsYou, StoreEvent, MoveCursor]


def test_what_time_it_is_is_named_by_its_arrival_and_how_long_it_was_waited_for() -> None:
    said = time_anchor(NOON_MS)
    _, effects = pulled(ready().session, [document(said), Cursor("1.1.abcdef")], 7_000, 40)
    assert effects[0] == KeepTime(NOON_MS, Anchor(id=said.id, mono=7_000, trip=40))


def test_events_are_not_read_by_the_conversation() -> None:
    assert not any(hint is Event for hint in Session.__annotations__.values())


# -- a backend that was restored -----------------------------------------------
def test_a_restore_is_noticed_when_a_session_is_opened() -> None:
    one = ready(events=4)
    one.settle()
    one.backend.restore(1)
    one.backend.tells = "2"
    one.session = msgspec.structs.replace(wake(one.session), token="")
    steps = [one.turn("none") for _ in range(5)]
    assert steps == [OpenSession(), SignChallenge("c"), GiveBack(), Push(4, 4), Push(2, 4)]
    assert EnterEpoch("2") in one.effects
    assert NoteGiven("document", 1) in one.effects
    one.settle()
    assert one.shown_received() == 4


def test_an_epoch_that_goes_on_changes_nothing_when_a_session_is_opened() -> None:
    one = device()
    one.backend.tells = "1"
    one.turn("none")
    one.turn("none")
    assert (one.effects, one.session.giving) == ([], False)


def test_who_had_no_epoch_yet_has_nothing_to_give_back() -> None:
    one = msgspec.structs.replace(device().session, epoch="")
    session, effects = signed_in(one, SessionReply(token="t", expires_s=60, epoch="1"))  # noqa: S106 - no password
    assert (effects, session.giving) == ((EnterEpoch("1"),), False)


def test_an_old_copy_is_told_so_before_anything_is_sent() -> None:
    one = device()
    session, effects = signed_in(one.session, SessionReply(token="t", expires_s=60, longer=True))  # noqa: S106
    assert effects == (StopRecording(LOG), NeedsYou(LOG_FORKED.slug, LOG))
    assert session.longer


def test_all_is_given_back_part_by_part_before_anything_is_pushed() -> None:
    session = msgspec.structs.replace(ready().session, giving=True)
    reply = ReturnReply(epoch="1", lines=2, taken=1)
    session, effects = given_back(session, NoteGiven("document", 7), reply, rest=True)
    assert effects == (NoteGiven("document", 7),)
    assert next_step(session, 0) == GiveBack()
    session, _ = given_back(session, NoteGiven("pulled", 9), reply, rest=False)
    assert next_step(session, 0) == Push(1, 3)
    assert next_step(nothing_to_give(msgspec.structs.replace(session, giving=True)), 0) == Push(1, 3)


def test_a_backend_restored_again_while_it_is_given_back_gets_all_of_it_anew() -> None:
    session = msgspec.structs.replace(ready().session, giving=True)
    reply = ReturnReply(epoch="2", lines=2, taken=1)
    session, effects = given_back(session, NoteGiven("pulled", 9), reply, rest=False)
    assert effects == (NoteGiven("pulled", 9), EnterEpoch("2"))
    assert next_step(session, 0) == GiveBack()


def test_a_device_that_is_not_listed_shows_the_roster_that_lists_it_once() -> None:
    one = device()
    one.turn("none")
    no = Answer(status=401, slug=NOT_SIGNED_IN.slug)
    session, effects = turned_away(one.session, SignChallenge("c"), no, 0, 0.5)
    assert (next_step(session, 0), effects) == (OpenSession(), ())
    session = challenged(session, ChallengeReply(challenge="d"))
    assert next_step(session, 0) == SignChallenge("d", unlisted=True)
    _, effects = turned_away(session, SignChallenge("d", unlisted=True), no, 0, 0.5)
    assert effects == (NeedsYou(NOT_SIGNED_IN.slug, ""),)
    listed, _ = signed_in(session, SessionReply(token="t", expires_s=60))  # noqa: S106 - no password
    assert not listed.unlisted


def test_a_log_that_is_not_known_any_more_is_sent_from_its_first_event() -> None:
    session = msgspec.structs.replace(ready().session, holds=2)
    no = Answer(status=400, slug=UNKNOWN_LOG.slug)
    session, effects = turned_away(session, Push(3, 3), no, 0, 0.5)
    assert (next_step(session, 0), effects) == (Push(1, 3), ())
    _, effects = turned_away(session, Push(1, 3), no, 0, 0.5)
    assert effects == (NeedsYou(UNKNOWN_LOG.slug, ""),)


def test_a_backend_that_takes_nothing_back_is_left_with_what_it_has() -> None:
    session = msgspec.structs.replace(ready().session, giving=True)
    session, effects = turned_away(session, GiveBack(), Answer(status=404), 0, 0.5)
    assert (next_step(session, 0), effects) == (Push(1, 3), (NeedsYou("http-404", ""),))


def test_how_far_the_offices_own_logs_reach_is_kept_if_the_office_signed_it() -> None:
    one = ready()
    receipt = Receipt(epoch="1", log=b64(b"office's log ..."), received_through=4, head=chain_text(bytes(32)))
    raw = receipt_text(receipt).encode()
    good, bad = OFFICE.sign(raw, "ho-receipt"), STRANGER.sign(raw, "ho-receipt")
    one.backend.lines = [PulledDocument(raw, good), PulledDocument(raw, bad)]
    one.settle()
    assert StoreOfficeReceipt(receipt, Sealed(text=raw.decode(), jws=good)) in one.effects
    assert any(isinstance(effect, NeedsYou) for effect in one.effects)


def test_the_offices_word_that_this_log_was_continued_twice_stops_it() -> None:
    def told(signer: Signer, log: str, seq: int = 1, kind: str = "log.forked") -> PulledEvent:
        body = LogForked(log=log, seq=2)
        at = Moment(wall=NOON, mono=0, boot="b")
        draft = Draft(kind=kind, actor="backend", body=body if kind == "log.forked" else NoteWritten(text="log.forked"))
        raw = write_event(draft, log=b64(b"office's log ..."), seq=seq, at=at)
        return PulledEvent(seq, 0, raw, signer.sign(raw, "ho-event"))

    one = ready()
    other = told(OFFICE, b64(b"another's log .."))
    unrelated = PulledEvent(
        9, 0, b'{"text":"\\"log.forked\\""}', OFFICE.sign(b'{"text":"\\"log.forked\\""}', "ho-event")
    )
    one.backend.lines = [other, told(STRANGER, LOG), unrelated, told(OFFICE, LOG, kind="note.written")]
    one.settle()
    assert StopRecording(LOG) not in one.effects
    one.backend.lines = [*one.backend.lines, told(OFFICE, LOG), told(OFFICE, LOG, 2)]
    one.session = wake(one.session)
    one.settle()
    assert [effect for effect in one.effects if isinstance(effect, StopRecording)] == [StopRecording(LOG)]


def test_the_offices_redaction_is_kept_and_followed_and_nobody_elses_is() -> None:
    note = write_event(
        Draft(kind="note.written", actor="anna", body=NoteWritten(text="x")),
        log=LOG,
        seq=2,
        at=Moment(wall=NOON, mono=0, boot="b"),
    )
    said = EventRedacted(event=event_hash(note), restated=restated(note).decode())

    def told(signer: Signer, body: EventRedacted) -> PulledEvent:
        draft = Draft(kind="event.redacted", actor="max", body=body)
        raw = write_event(draft, log=b64(b"office's log ..."), seq=2, at=Moment(wall=NOON, mono=0, boot="b"))
        return PulledEvent(2, 0, raw, signer.sign(raw, "ho-event"))

    one = ready()
    good = told(OFFICE, said)
    of_it = EventRedacted(event=event_hash(good.raw), restated=good.raw.decode())
    lines = [told(STRANGER, said), good, told(OFFICE, of_it)]
    _, effects = pulled(one.session, [*lines, Cursor(cursor_text("1", 5, "abcdef"))], 0, 40)
    assert [effect for effect in effects if isinstance(effect, TakeOut)] == [TakeOut(said)]
    assert effects.index(TakeOut(said)) == effects.index(StoreEvent(good)) + 1
