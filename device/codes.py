"""Handover codes on this device: read, looked at beside what is known here, kept as a witness, shown."""

from collections.abc import Sequence

import msgspec

from device.holding import Holding
from device.store import log
from device.store.log import Recorded
from sync.acceptance import Scene, check_clock, check_seal, most_patient
from sync.base45 import unb45
from sync.codec import decode, read_event
from sync.events import Accepted, CodeWitnessed, Draft, Event, Offered, Refused
from sync.ids import b64, event_hash
from sync.policy import Policy
from sync.problems import BAD_ARGUMENT, CODE_TEXT_MALFORMED, NOT_FOUND, TOO_LARGE, WORDS_GONE, WRONG_REFERENCE, Problem
from sync.qr import (
    CodeKind,
    Frame,
    PartsCollector,
    SignedEvent,
    after_prefix,
    answer_frame,
    classify,
    code_texts,
    decode_frame,
    encode_frame,
    expect_kind,
    log_of,
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

    `events` are those of its code, `stale` says that the roster is older than the policy likes. `code` is what was
    scanned; None where the event was pulled.
    """

    event: Event
    events: tuple[Event, ...]
    scene: Scene
    stale: bool
    code: Code | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What an event in a code says it is, nothing being verified: its bytes' hash, its kind, its job."""

    hash: str = ""
    kind: str
    job: str = ""


def _named(raw: bytes) -> Named:
    return msgspec.structs.replace(decode(raw, Named), hash=event_hash(raw))


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


def _which(events: Sequence[Event], which: str) -> Event:
    """The one of a code's events that this hash or job names; the only one, where nothing was said."""
    if not which and len(events) > 1:
        jobs = ", ".join(event.job for event in events)
        raise Problem(BAD_ARGUMENT, f"this code holds several jobs, say which: {jobs}")
    found = [event for event in events if not which or which in (event.hash, event.job)]
    if not found:
        raise Problem(NOT_FOUND, f"no job {which} in this code")
    return found[-1]


class Codes:
    """The codes of one device."""

    def __init__(self, holding: Holding) -> None:
        self._here = holding

    def look(self, code: Code | str, kind: str, which: str = "") -> Looked:
        """What a code of this kind of event holds (or the pulled event with this hash), beside what is known.

        `which` says, where a code holds several, which: the hash of the event, or its job. Raises, for a code, in this
        order: WRONG_TYPE_OF_CODE, CLOCK_BEFORE_ROSTER, ROSTER_TOO_OLD, UNKNOWN_KEY, BAD_SIGNATURE, UNREADABLE,
        KEY_REVOKED, KEY_NOT_VALID_THEN; and BAD_ARGUMENT where it was not said which.
        """
        if isinstance(code, Code):
            events = self.open(code, kind)
            return self.looked(_which([one for one in events if one.kind == kind], which), code, events)
        event = self._here.event(code)
        if event.kind != kind:
            raise Problem(WRONG_REFERENCE, f"{code} is {event.kind}, not {kind}")
        return self.looked(event)

    def open(self, code: Code, *kinds: str) -> tuple[Event, ...]:
        """The events of a code whose last is of one of these kinds, each as it was signed; problems as of `look`."""
        expect_kind(code.frame, *kinds)
        memory = self._here.memory
        policy = most_patient(self._policies_in(code, kinds))
        check_clock(memory.directory, policy, self._here.world.now_ms(), memory.synced_ms)
        return check_seal(code.frame, memory.directory)

    def looked(self, event: Event, code: Code | None = None, events: tuple[Event, ...] = ()) -> Looked:
        """An event of this opened code, or one that was pulled, beside what is known.

        CLOCK_BEFORE_ROSTER or ROSTER_TOO_OLD where the event's own policy is less patient than that of others in its
        code.
        """
        memory, policy = self._here.memory, self.policy_of(event)
        stale = check_clock(memory.directory, policy, self._here.world.now_ms(), memory.synced_ms)
        return Looked(event=event, events=events, scene=self._scene(event, events, policy), stale=stale, code=code)

    @staticmethod
    def named_in(code: Code, *kinds: str) -> tuple[Named, ...]:
        """The events of these kinds in a code whose last is of one; nothing is verified."""
        expect_kind(code.frame, *kinds)
        found = (_named(signed.raw) for signed in code.frame.events)
        return tuple(one for one in found if one.kind in kinds)

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

    def _policies_in(self, code: Code, kinds: Sequence[str]) -> list[Policy | None]:
        """The policies a code's events are under, before anything is verified: they say how old a roster may be."""
        found: list[Policy | None] = []
        for signed in code.frame.events:
            try:
                event = read_event(signed.raw)
            except Problem:
                found.append(None)
                continue
            if event.kind in kinds:
                found.append(self.policy_of(event))
        return found

    def _scene(self, event: Event, events: tuple[Event, ...], policy: Policy | None) -> Scene:
        memory = self._here.memory
        glanced = dict(zip((one.hash for one in events), memory.glance(events), strict=True))
        return Scene(
            now_ms=self._here.world.now_ms(),
            directory=memory.directory,
            policy=policy,
            standing=glanced.get(event.hash) or self._here.standing(event.hash),
            journey=memory.journey(event.job, [one for one in glanced.values() if one.event.job == event.job]),
            own_logs=memory.own_logs,
            twins=memory.twins(event),
            answers=memory.answers(event.hash),
            scanned=bool(events),
        )

    def witness(self, code: Code | None, who: str) -> list[Draft]:
        """The scanned half, to be kept in the transaction of the answer.

        One's own log needs no witness, and a code that is kept already is not kept twice.
        """
        if code is None:
            return []
        frame, memory = b64(code.raw), self._here.memory
        if log_of(code.frame) in memory.own_logs or frame in memory.witnessed:
            return []
        return [Draft(kind="code.witnessed", actor=who, body=CodeWitnessed(frame=frame))]

    # -- showing --------------------------------------------------------------
    async def show(self, *hashes: str) -> Shown:
        """The code of events of this device's own log: offers, or acceptances and refusals. It is named by the first.

        An offer is preceded by the `job.opened` it rests on, where that is in the same log and costs no second picture:
        the receiver may lack it. WORDS_GONE for an event whose words were taken out: a code would have to hold them.
        """
        events = [self._here.event(hash_) for hash_ in dict.fromkeys(hashes)]
        halves = [await self._signed(event) for event in events]
        kid = self._here.signer.kid
        if all(isinstance(event.body, Offered) for event in events):
            frame = offer_frame(kid, halves, [await self._signed(one) for one in self._openings(events)])
        elif all(isinstance(event.body, Accepted | Refused) for event in events):
            frame = answer_frame(kid, halves)
        else:
            raise Problem(WRONG_REFERENCE, f"{', '.join(one.kind for one in events)}: no code shows that")
        return Shown(event=hashes[0], texts=code_texts(encode_frame(frame)))

    def _openings(self, offers: Sequence[Event]) -> list[Event]:
        """The openings in the own log on which these offers rest, each once."""
        bases = [self._here.memory.event(one.body.basis) for one in offers if isinstance(one.body, Offered)]
        found = {one.hash: one for one in bases if one and one.kind == "job.opened" and one.log == self._here.row.log}
        return [one for hash_, one in found.items() if not self._here.memory.is_redacted(hash_)]

    async def show_recorded(self, *hashes: str) -> Shown:
        """The same for what was just recorded; no texts where no codes hold it, and it goes by sync alone."""
        try:
            return await self.show(*hashes)
        except Problem as problem:
            if problem.kind is not TOO_LARGE:
                raise
            return Shown(event=hashes[0], texts=())

    async def _signed(self, event: Event) -> SignedEvent:
        if self._here.memory.is_redacted(event.hash):
            raise Problem(WORDS_GONE, event.hash)
        recorded = await self.recorded(event)
        return SignedEvent(recorded.raw, signature_in(recorded.jws))

    async def recorded(self, event: Event) -> Recorded:
        """An event of the own log as it was recorded; NOT_FOUND for any other."""
        if event.log != self._here.row.log:
            raise Problem(NOT_FOUND, f"{event.hash} was not recorded on this device")
        lines = await self._here.store.reading(lambda con: log.lines_between(con, self._here.row, event.seq, event.seq))
        return Recorded(log=event.log, seq=event.seq, hash=event.hash, raw=lines[0].raw, jws=lines[0].jws)
