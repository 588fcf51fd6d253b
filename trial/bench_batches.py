"""Work for the benches: journeys of 20 events as technicians' devices would record them, signed and batched beforehand.

A journey is one visit: the job is opened, planned, its items picked and loaded, somebody arrives, scans, finds a
gap and clears it, hands over to a customer who has no device (read back and signed there), the loop is closed,
and they leave. 4 of the 20 are custody events with signatures of their own. Each device works on two jobs in
turns, so that journeys cross the borders of batches. All of it follows from a number, texts included.
"""

import random
import re
from collections.abc import Generator
from typing import Final

import msgspec

from sync.clock import Moment, rfc3339
from sync.codec import encode, write_event
from sync.events import (
    CUSTODY,
    SIGNED,
    Accepted,
    AssetScanned,
    CheckCleared,
    CheckFound,
    Confirmed,
    Draft,
    Fact,
    ItemScanned,
    JobOpened,
    JobPlanned,
    LogOpened,
    NoteWritten,
    Offered,
    SignalObserved,
    VisitArrived,
    VisitDeparted,
)
from sync.ids import LOG_BYTES, b64, digest, event_hash, job_id
from sync.ledger import advance, chain_start, prev_of
from sync.payload import Action, ItemCount, NextAction, Payload, Risk, Synthesis
from sync.policy import Policy
from sync.protocol import PushHeader, PushLine, chain_text, write_push
from sync.seal import Signer

JOURNEY: Final = 20
"""Events of one journey."""
BOUNDARY: Final = "site"
POLICY: Final = Policy(
    boundary=BOUNDARY, version=1, issued_at="", mandatory=("priority", "state", "summary", "next_actions", "items")
)
"""What a site handover must say here."""
_START_MS: Final = 1_790_000_000_000
_BETWEEN_MS: Final = 97_000
_GUEST: Final = "customer on site"
_WORDS: Final = re.split(
    " ",
    "pump seal valve drained isolated pressure leaking replaced checked cabinet breaker panel sensor reading normal "
    "customer asked access roof ladder key spare ordered tomorrow filter noise bearing worn belt tightened cable "
    "door closed signed part missing returned depot loaded fitted tested again before after morning second floor",
)

Step = Generator[tuple[str, str, Fact], str, None]
"""Kind, job and body of each next event; what is sent back is the hash it got."""


class References(msgspec.Struct, frozen=True):
    """The documents that custody events are recorded under."""

    roster: str
    policy: str


class Batch(msgspec.Struct, frozen=True):
    """A push of one log, not yet compressed, and what is in it; `lines[0]` is seq `first`."""

    log: str
    first: int
    lines: tuple[PushLine, ...]
    body: bytes

    @property
    def last(self) -> int:
        """The seq of its last event."""
        return self.first + len(self.lines) - 1


class Author:
    """A technician with a device, and its log."""

    def __init__(self, number: int, seed: int = 1) -> None:
        """The author of this number; the same at every call with the same seed."""
        stem = f"{seed}/{number}/"
        self.person = f"tech-{number}"
        self.device = f"handheld-{number}"
        self.site = f"site-{number}"
        self.signer = Signer(digest(f"{stem}key".encode()))
        self.log = b64(digest(f"{stem}log".encode())[:LOG_BYTES])
        self._random = random.Random(stem)
        self._chain = chain_start(self.log)
        self._seq = 0
        self.genesis, _ = self._record(
            "log.opened", "", LogOpened(device=self.device, jwk=self.signer.jwk, software="bench 1")
        )

    def work(self, under: References) -> Generator[PushLine, None, None]:
        """The next events of the log, journey after journey, two at a time; it never ends."""
        while True:
            pair = [self._journey(under), self._journey(under)]
            asked = [next(one) for one in pair]
            for turn in range(2 * JOURNEY):
                line, hash_ = self._record(*asked[turn % 2])
                yield line
                if turn < 2 * (JOURNEY - 1):
                    asked[turn % 2] = pair[turn % 2].send(hash_)

    def batch(self, work: Generator[PushLine, None, None], events: int) -> Batch:
        """The next so many events of `work` as one push."""
        first, base = self._seq + 1, self._chain
        lines = tuple(next(work) for _ in range(events))
        header = encode(
            PushHeader(
                v=1,
                log=self.log,
                from_=first,
                to=self._seq,
                base=chain_text(base),
                head=chain_text(self._chain),
                recorded=self._seq,
                wall=rfc3339(_START_MS + self._seq * _BETWEEN_MS),
            )
        )
        return Batch(self.log, first, lines, write_push(header, self.signer.sign(header, "ho-batch"), lines))

    def _record(self, kind: str, job: str, body: Fact) -> tuple[PushLine, str]:
        self._seq += 1
        after_ms = self._seq * _BETWEEN_MS
        at = Moment(wall=rfc3339(_START_MS + after_ms), mono=after_ms, boot="bench")
        prev = prev_of(self._chain) if kind in CUSTODY else ""
        draft = Draft(kind=kind, actor=self.person, body=body, job=job)
        raw = write_event(draft, log=self.log, seq=self._seq, at=at, prev=prev)
        self._chain = advance(self._chain, digest(raw))
        return PushLine(raw, self.signer.sign(raw, "ho-event") if kind in SIGNED else ""), event_hash(raw)

    def _id(self, what: str) -> str:
        return f"{what}-{self._random.getrandbits(48):012x}"

    def _text(self, words: int) -> str:
        return " ".join(self._random.choices(_WORDS, k=words)).capitalize() + "."

    def _journey(self, under: References) -> Step:
        """20 events from the opening of a job to the departure."""
        visit, asset, stop = self._id("visit"), self._id("asset"), self._id("stop")
        parts = [self._id("part"), self._id("part")]
        root = yield (
            "job.opened",
            "",
            JobOpened(
                roster=under.roster,
                party=self.person,
                site=self.site,
                asset=asset,
                customer=self._id("customer"),
                desired_outcome=self._text(6),
                priority="urgent",
                trade="hvac",
            ),
        )
        job = job_id(root)
        planned = JobPlanned(
            stop=stop, window_from="2026-09-21T08:00:00Z", window_to="2026-09-21T10:00:00Z", crew=self.person
        )
        yield "job.planned", job, planned
        for part in parts:
            yield "item.scanned", job, ItemScanned(item=part, step="picked", entered="scanned")
        for part in parts:
            yield "item.scanned", job, ItemScanned(item=part, step="loaded", entered="scanned")
        seen = SignalObserved(
            observed="arrival",
            source="owntracks",
            rests_on=(self._id("signal"), self._id("signal")),
            device=self.device,
            site=self.site,
            visit=visit,
            lower_ms=_START_MS,
            upper_ms=_START_MS + 60_000,
        )
        yield "signal.observed", job, seen
        arrived = VisitArrived(visit=visit, site=self.site, asset=asset, stop=stop, trade="hvac", entered="scanned")
        yield "visit.arrived", job, arrived
        yield "asset.scanned", job, AssetScanned(asset=asset, site=self.site, visit=visit, entered="scanned")
        for part in parts:
            yield "item.scanned", job, ItemScanned(item=part, step="delivered", visit=visit, entered="scanned")
        yield "item.scanned", job, ItemScanned(item=parts[0], step="installed", visit=visit, entered="scanned")
        gap = CheckFound(check="items", visit=visit, arm="prompt", gap="part_not_installed", text=self._text(8))
        found = yield "check.found", job, gap
        yield "item.scanned", job, ItemScanned(item=parts[1], step="installed", visit=visit, entered="scanned")
        yield "check.cleared", job, CheckCleared(found=found, how=self._text(5))
        yield "note.written", job, NoteWritten(text=self._text(14))
        offered = Offered(
            roster=under.roster,
            basis=root,
            sender=self.person,
            to=(_GUEST,),
            boundary=BOUNDARY,
            policy=under.policy,
            payload=self._payload(parts),
            visit=visit,
            site=self.site,
        )
        offer = yield "handover.offered", job, offered
        synthesis = Synthesis(words=self._text(10), shown=6, hits=4)
        answer = Accepted(
            roster=under.roster,
            offer=offer,
            party=_GUEST,
            synthesis=synthesis,
            met="guest",
            signed_name=self._id("name"),
        )
        accepted = yield "handover.accepted", job, answer
        closed = Confirmed(roster=under.roster, offer=offer, accepted=accepted, sender=self.person)
        yield "handover.confirmed", job, closed
        yield "visit.departed", job, VisitDeparted(visit=visit, entered="scanned")

    def _payload(self, parts: list[str]) -> Payload:
        return Payload(
            priority="urgent",
            state="complete",
            summary=self._text(18),
            actions_taken=(
                Action(object=self._text(2), result=self._text(4)),
                Action(object=self._text(2), result=self._text(4)),
            ),
            next_actions=(NextAction(what=self._text(6), owner=self.person, due="2026-09-28T08:00:00Z"),),
            risks=(Risk(if_=self._text(4), then=self._text(4)),),
            items=tuple(ItemCount(id=part, expected=1, counted=1) for part in parts),
        )


def journeys(count: int, under: References) -> list[list[PushLine]]:
    """So many whole journeys, each as its 20 lines, of one author."""
    author = Author(0)
    work = author.work(under)
    found: list[list[PushLine]] = []
    while len(found) < count:
        pair = [next(work) for _ in range(2 * JOURNEY)]
        found += [pair[0::2], pair[1::2]]
    return found[:count]
