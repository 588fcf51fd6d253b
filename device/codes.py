"""Handover codes on this device: read, looked at beside what is known here, kept as a witness, shown."""

from collections.abc import Sequence

import msgspec

from device.holding import Holding
from device.store import log
from device.store.log import Recorded
from sync.acceptance import Scene, check_clock, check_seal
from sync.base45 import unb45
from sync.codec import read_event
from sync.events import Accepted, CodeWitnessed, Draft, Event, Offered, Refused
from sync.ids import b64, event_hash
from sync.policy import Policy
from sync.problems import CODE_TEXT_MALFORMED, NOT_FOUND, TOO_LARGE, WRONG_REFERENCE, Problem
from sync.qr import (
    CodeKind,
    Frame,
    PartsCollector,
    SignedEvent,
    after_prefix,
    classify,
    code_texts,
    decode_frame,
    encode_frame,
    expect_kind,
    offer_frame,
)
from sync.seal import signature_in


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A code to show: the texts of its pictures (one, or parts for a cycle), and the event it shows."""

    event: str
    texts: tuple[str, ...]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A handover code as read: the frame's own bytes, and the events in it; nothing is verified yet."""

    raw: bytes
    frame: Frame


class Looked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An event that was scanned, its seal checked, or that was pulled; what is known around it.

    `events` are those of its code, `stale` says that the roster is older than the policy likes.
    """

    event: Event
    events: tuple[Event, ...]
    scene: Scene
    stale: bool


def read_code(texts: Sequence[str]) -> Code:
    """The handover code in these texts: one code, or its parts in any order. Raises the problems of `sync.qr`."""
    parts = [text for text in texts if classify(text) is CodeKind.PART]
    if not parts:
        if len(texts) != 1:
            raise Problem(CODE_TEXT_MALFORMED, f"{len(texts)} codes where one is wanted")
        raw = unb45(after_prefix(texts[0], CodeKind.HANDOVER))
        return Code(raw=raw, frame=decode_frame(raw))
    collector = PartsCollector()
    for text in parts:
        collector = collector.take(text)
    whole = collector.frame()
    if whole is None:
        missing = ", ".join(map(str, collector.missing()))
        raise Problem(CODE_TEXT_MALFORMED, f"still to be scanned: part {missing}")
    return Code(raw=whole, frame=decode_frame(whole))


class Codes:
    """The codes of one device."""

    def __init__(self, holding: Holding) -> None:
        self._here = holding

    def look(self, code: Code | str, kind: str) -> Looked:
        """What a code of this kind of event holds (or the pulled event with this hash), beside what is known.

        Raises, for a code, in this order: WRONG_TYPE_OF_CODE, CLOCK_BEFORE_ROSTER, ROSTER_TOO_OLD, UNKNOWN_KEY,
        BAD_SIGNATURE, UNREADABLE, KEY_REVOKED, KEY_NOT_VALID_THEN.
        """
        memory, now_ms = self._here.memory, self._here.world.now_ms()
        if isinstance(code, str):
            event = self._here.event(code)
            if event.kind != kind:
                raise Problem(WRONG_REFERENCE, f"{code} is {event.kind}, not {kind}")
            stale = check_clock(memory.directory, self.policy_of(event), now_ms, memory.synced_ms)
            return Looked(event=event, events=(), scene=self._scene(event, ()), stale=stale)
        expect_kind(code.frame, kind)
        stale = check_clock(memory.directory, self._policy_in(code), now_ms, memory.synced_ms)
        events = check_seal(code.frame, memory.directory)
        return Looked(event=events[-1], events=events, scene=self._scene(events[-1], events), stale=stale)

    @staticmethod
    def hash_of(code: Code | str, kind: str) -> str:
        """The hash of the event that a code of this kind shows, or the one given; nothing else is looked at."""
        if isinstance(code, str):
            return code
        expect_kind(code.frame, kind)
        return event_hash(code.frame.events[-1].raw)

    def policy_of(self, event: Event) -> Policy | None:
        """The policy of an offer, or of the offer that is answered: the one named, else the newest of its boundary.

        None for any other event, and where that offer is not held here.
        """
        offer = self._offer_of(event)
        content = offer.body if offer else None
        return self._here.memory.policy(content.boundary, content.policy) if isinstance(content, Offered) else None

    def _offer_of(self, event: Event) -> Event | None:
        """The offer that the event is or answers, as held here."""
        if isinstance(event.body, Accepted | Refused):
            return self._here.memory.event(event.body.offer)
        return event

    def _policy_in(self, code: Code) -> Policy | None:
        """The policy a code's event is under, before anything is verified: it only says how old a roster may be."""
        try:
            event = read_event(code.frame.events[-1].raw)
        except Problem:
            return None
        return self.policy_of(event)

    def _scene(self, event: Event, events: tuple[Event, ...]) -> Scene:
        memory = self._here.memory
        glanced = memory.glance(events)
        standing = glanced[-1] if glanced else self._here.standing(event.hash)
        return Scene(
            now_ms=self._here.world.now_ms(),
            directory=memory.directory,
            policy=self.policy_of(event),
            standing=standing,
            journey=memory.journey(event.job, [one for one in glanced if one.event.job == event.job]),
            own_logs=memory.own_logs,
            twins=memory.twins(event),
            scanned=bool(events),
        )

    def witness(self, code: Code | str | None, event: Event, who: str) -> list[Draft]:
        """The scanned half, to be kept in the transaction of the answer; one's own log needs no witness."""
        if not isinstance(code, Code) or event.log in self._here.memory.own_logs:
            return []
        return [Draft(kind="code.witnessed", actor=who, body=CodeWitnessed(frame=b64(code.raw)))]

    # -- showing --------------------------------------------------------------
    async def show(self, hash_: str) -> Shown:
        """The code of an event of this device's own log: an offer, an acceptance or a refusal.

        An offer is preceded by the `job.opened` it rests on, where that is in the same log and one picture
        holds both: the receiver may lack it.
        """
        event = self._here.event(hash_)
        half = await self._signed(event)
        if isinstance(event.body, Offered):
            basis = self._here.memory.event(event.body.basis)
            opened = basis if basis and basis.kind == "job.opened" and basis.log == event.log else None
            frame = offer_frame(self._here.signer.kid, half, await self._signed(opened) if opened else None)
        elif isinstance(event.body, Accepted | Refused):
            frame = Frame(self._here.signer.kid, (half,))
        else:
            raise Problem(WRONG_REFERENCE, f"{event.kind} is not shown as a code")
        return Shown(event=hash_, texts=code_texts(encode_frame(frame)))

    async def show_recorded(self, hash_: str) -> Shown:
        """The same for what was just recorded; no texts where no codes hold it, and it goes by sync alone."""
        try:
            return await self.show(hash_)
        except Problem as problem:
            if problem.kind is not TOO_LARGE:
                raise
            return Shown(event=hash_, texts=())

    async def _signed(self, event: Event) -> SignedEvent:
        recorded = await self.recorded(event)
        return SignedEvent(recorded.raw, signature_in(recorded.jws))

    async def recorded(self, event: Event) -> Recorded:
        """An event of the own log as it was recorded; NOT_FOUND for any other."""
        if event.log != self._here.row.log:
            raise Problem(NOT_FOUND, f"{event.hash} was not recorded on this device")
        lines = await self._here.store.reading(lambda con: log.lines_between(con, self._here.row, event.seq, event.seq))
        return Recorded(log=event.log, seq=event.seq, hash=event.hash, raw=lines[0].raw, jws=lines[0].jws)
