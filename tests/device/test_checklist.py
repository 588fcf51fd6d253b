"""Every check on a scanned code, in its order, on a device of its own: each alone, and before the one that follows it.

`RECEIVER` and `SENDER` are the list, in order: a line has the problem that is named, and what makes a good code fail
that check. A code spoilt for two neighbours is refused for the earlier one.
"""

import asyncio
import shutil
import zlib
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from device.accepting import Seen
from device.agent import Agent
from device.codes import read_code
from device.store import pulled
from sync.acceptance import synthesis_of
from sync.clock import Moment, rfc3339
from sync.codec import write_event
from sync.dictionary import DICTIONARY_1
from sync.events import Accepted, Draft, Fact, Offered, Withdrawn
from sync.payload import Synthesis
from sync.policy import Accept, Device, Person
from sync.problems import (
    ACCEPTED_BY_ANOTHER,
    ACCEPTED_HERE,
    BAD_SIGNATURE,
    CHALLENGE_UNKNOWN_OR_USED,
    CLOCK_BEFORE_ROSTER,
    CODE_INFLATES_TOO_FAR,
    CODE_MALFORMED,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    KEY_NOT_VALID_THEN,
    KEY_REVOKED,
    NOT_ADDRESSED,
    NOT_MY_OFFER,
    NOT_OUR_CODE,
    OFFER_FROM_FUTURE,
    OFFER_LAPSED,
    OTHER_CONTENT,
    OTHER_OFFER,
    OUTSIDE_WINDOW,
    OWN_OFFER,
    POINTS_NOT_ACKNOWLEDGED,
    RECEIVER_NOT_AUTHORISED,
    ROSTER_TOO_OLD,
    SELF_ACCEPTANCE,
    SENDER_NOT_AUTHORISED,
    SUPERSEDED,
    SYNTHESIS_MISSING,
    UNKNOWN_KEY,
    WRONG_SITE,
    WRONG_TYPE_OF_CODE,
    Problem,
    ProblemKind,
)
from sync.protocol import PulledEvent
from sync.qr import MOST_INFLATED, Frame, SignedEvent, encode_frame, frame_text
from sync.seal import Signer, signature_in
from tests.device.field import MORNING, PAYLOAD, POINTS, SITE_POLICY, Field, SetWorld, unknown_hash

pytestmark = pytest.mark.anyio
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
STRANGER: Final = Signer(b"stranger".ljust(32, b"."))
GOOD: Final = msgspec.structs.replace(SITE_POLICY, version=2, accept=Accept(roles=("technician",)))
WORDS: Final = Synthesis(words="Seal first.", shown=6, hits=3)
PARTIES: Final = ("bo", "eve", "north")


class Base:
    """Devices of Anna, Bo and Eve, a job of the team north, and an offer of it that Anna recorded for Bo."""

    def __init__(self, folder: Path) -> None:
        self.field = Field(folder)
        self.signers: dict[str, Signer] = {}
        self.logs: dict[str, str] = {}

    async def make(self) -> "Base":
        await self.field.enrol("phone-anna", "phone-bo", "phone-cy", "shared")
        await self.field.publish(GOOD)
        for name in self.field.keys:
            async with self.field.open(name) as agent:
                self.signers[name], self.logs[name] = agent.holding.signer, agent.holding.row.log
        async with self.field.open("phone-anna") as anna:
            self.job = await anna.jobs.open("anna", site="site-1", party="north")
            said = {"boundary": GOOD.boundary}
            shown = await anna.offering.offer("anna", self.job, PAYLOAD, PARTIES, **said)
            other = await anna.offering.offer("anna", self.job, PAYLOAD, PARTIES, **said)
            self.offer, self.other = shown.event, other.event
            events = [anna.holding.node(self.job), anna.holding.event(shown.event)]
            self.opening, self.honest = [await anna.codes.recorded(event) for event in events]
            body = events[1].body
            assert isinstance(body, Offered)
            self.body = body
        return self


class Case:
    """One look at one code: everything about it is good until a check of the list spoils it."""

    def __init__(self, base: Base, folder: Path, device: str) -> None:
        self.base = base
        self.folder = folder
        self.device = device
        self.world = SetWorld(f"{device} looks")
        self.world.wall_ms = base.field.worlds["phone-anna"].wall_ms
        self.signer = base.signers["phone-anna" if device == "phone-bo" else "phone-bo"]
        self.said: dict[str, object] = {}
        self.people: dict[str, Person] = {}
        self.listed: dict[str, object] = {}
        self.frame: list[Callable[[bytes], bytes]] = []
        self.text: list[Callable[[str], str]] = []
        self.before: list[Callable[[Agent], Awaitable[None]]] = []
        self.actor = ""
        self.dated_ms = 0
        self.answers = ""
        self.look: dict[str, str] = {}
        self.words = "Seal first."
        self.wanted = ""

    # -- the code that is shown --------------------------------------------------
    def signed(self, kind: str, actor: str, body: Fact, name: str, seq: int) -> SignedEvent:
        """An event of this device's log, whoever it is that signs it."""
        at = Moment(wall=rfc3339(self.base.field.worlds["phone-anna"].wall_ms + self.dated_ms), mono=seq, boot="boot")
        draft = Draft(kind=kind, actor=actor, body=body, job=self.base.job)
        raw = write_event(draft, log=self.base.logs[name], seq=seq, at=at)
        signature = signature_in(self.signer.sign(raw, "ho-event"))
        return SignedEvent(raw, signature)

    def offer(self) -> SignedEvent:
        if not (self.said or self.actor or self.dated_ms):
            return self.resigned(self.base.honest.raw)
        return self.signed("handover.offered", self.actor or "anna", with_(self.base.body, self.said), "phone-anna", 9)

    def resigned(self, raw: bytes) -> SignedEvent:
        return SignedEvent(raw, signature_in(self.signer.sign(raw, "ho-event")))

    def acceptance(self) -> SignedEvent:
        body = Accepted(roster=self.base.body.roster, offer=self.base.offer, party="bo", synthesis=WORDS, met="met")
        return self.signed("handover.accepted", self.actor or "bo", with_(body, self.said), "phone-bo", 9)

    def code(self) -> str:
        is_offer = (self.device == "phone-bo") != (self.answers == "other type")
        events = (self.resigned(self.base.opening.raw), self.offer()) if is_offer else (self.acceptance(),)
        raw = encode_frame(Frame(self.signer.kid, events))
        for spoil in self.frame:
            raw = spoil(raw)
        text = frame_text(raw)
        for alter in self.text:
            text = alter(text)
        return text

    # -- who looks at it ---------------------------------------------------------
    async def run(self) -> str:
        """What comes of it: the problem that is named, or `done`."""
        shutil.copytree(self.base.field.folder, self.folder)
        field = Field(self.folder, self.base.field.issued_at)
        field.worlds, field.keys, field.version = {self.device: self.world}, self.base.field.keys, 1
        sender = "phone-anna" if self.device == "phone-bo" else "phone-bo"
        usual: dict[str, object] = {"id": sender, "jwk": field.keys[sender], "people": (sender.removeprefix("phone-"),)}
        device = msgspec.convert(msgspec.to_builtins({**usual, **self.listed}), Device)
        for step in self.before:
            async with field.open(self.device) as agent:
                await step(agent)
        if self.listed or self.people:
            await field.give(self.device, field.roster(self.people, **{sender: device}))
        async with field.open(self.device) as agent:
            try:
                await (self.receive(agent) if self.device == "phone-bo" else self.confirm(agent))
            except Problem as problem:
                return problem.kind.slug
        return "done"

    async def receive(self, agent: Agent) -> None:
        seen = await agent.accepting.look("bo", read_code([self.code()]), **self.look)
        await agent.accepting.accept("bo", seen, read_back(seen, self.words))

    async def confirm(self, agent: Agent) -> None:
        await agent.offering.confirm("anna", read_code([self.code()]), offer=self.wanted)


def with_(body: Fact, said: dict[str, object]) -> Fact:
    return msgspec.structs.replace(body, **said)


def read_back(seen: Seen, words: str) -> Synthesis:
    return synthesis_of(words, POINTS, seen.choices, seen.content.payload)


def give(agent: Agent, *events: SignedEvent, signer: Signer) -> Awaitable[None]:
    """The device pulled these."""

    def keep(con: Any) -> None:  # noqa: ANN401 - a connection of sqlite3
        for number, one in enumerate(events, 1):
            pulled.keep_event(con, PulledEvent(number, 0, one.raw, signer.sign(one.raw, "ho-event")))

    return agent.holding.store.writing(keep)


# -- what spoils a code ------------------------------------------------------------
def _not_ours(case: Case) -> None:
    case.text.append(lambda text: f" {text}")


def _version(case: Case) -> None:
    case.text.append(lambda text: text.replace("HO1:", "HO2:"))


def _text(case: Case) -> None:
    case.text.append(lambda text: f"{text}a")


def _frame(case: Case) -> None:
    case.frame.append(lambda raw: raw[:8] + b"\0" + raw[9:])


def _inflates(case: Case) -> None:
    def bomb(raw: bytes) -> bytes:
        start = 9 + raw[8] * 64
        events = zlib.decompressobj(-15, zdict=DICTIONARY_1).decompress(raw[start:])
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=DICTIONARY_1)
        return raw[:start] + packer.compress(events + b" " * MOST_INFLATED) + packer.flush()

    case.frame.insert(0, bomb)


def _wrong_type(case: Case) -> None:
    case.answers = "other type"


def _behind(case: Case) -> None:
    case.world.wall_ms -= DAY_MS
    case.dated_ms = -DAY_MS


def _old(case: Case) -> None:
    case.world.wall_ms += 15 * DAY_MS


def _unknown_key(case: Case) -> None:
    case.signer = STRANGER


def _signature(case: Case) -> None:
    case.frame.append(lambda raw: raw[:9] + bytes([raw[9] ^ 1]) + raw[10:])


def _revoked(case: Case) -> None:
    case.listed["revoked"] = "lost"


def _not_valid(case: Case) -> None:
    case.listed["valid_until"] = "2026-05-01T00:00:00Z"


def _own(case: Case) -> None:
    case.look["party"] = "north"


def _no_site(case: Case) -> None:
    case.people["anna"] = Person(roles=("technician",), teams=("north",))


def _challenge(case: Case) -> None:
    case.said["challenge"] = "AAAAAAAAAAAAAAAAAAAAAA"


def _future(case: Case) -> None:
    case.dated_ms = 10 * DAY_MS


def _lapsed(case: Case) -> None:
    case.said["until"] = MORNING
    case.world.wall_ms += 60 * MINUTE_MS


def _addressed(case: Case) -> None:
    case.said["to"] = ("eve",)


def _elsewhere(case: Case) -> None:
    case.look["site"] = "site-9"


def _accepted_here(case: Case) -> None:
    honest = Case(case.base, case.folder, case.device)

    async def accept(agent: Agent) -> None:
        await honest.receive(agent)

    case.before.append(accept)


def _superseded(case: Case) -> None:
    async def withdraw(agent: Agent) -> None:
        body = Withdrawn(roster=case.base.body.roster, offer=case.base.offer, sender="north")
        anna = case.base.signers["phone-anna"]
        halves = [case.resigned(one.raw) for one in (case.base.opening, case.base.honest)]
        await give(agent, *halves, case.signed("handover.withdrawn", "anna", body, "phone-anna", 8), signer=anna)

    case.before.append(withdraw)


def _other_content(case: Case) -> None:
    async def hold(agent: Agent) -> None:
        body = with_(case.base.body, {"until": "2027-01-01T00:00:00Z"})
        anna = case.base.signers["phone-anna"]
        await give(
            agent, case.signed("handover.offered", "anna", body, "phone-anna", case.base.honest.seq), signer=anna
        )

    case.before.append(hold)


def _no_words(case: Case) -> None:
    case.words = " "


# -- and an acceptance -------------------------------------------------------------
def _not_mine(case: Case) -> None:
    case.said["offer"] = unknown_hash()


def _something_else(case: Case) -> None:
    case.wanted = case.base.other


def _myself(case: Case) -> None:
    case.said["party"] = "north"


def _not_authorised(case: Case) -> None:
    case.said["met"] = "witnessed"


def _early(case: Case) -> None:
    case.dated_ms = -60 * MINUTE_MS


def _another(case: Case) -> None:
    async def taken(agent: Agent) -> None:
        eve = Case(case.base, case.folder, case.device)
        eve.signer = case.base.signers["shared"]
        body = Accepted(roster=case.base.body.roster, offer=case.base.offer, party="eve", synthesis=WORDS, met="met")
        await give(agent, eve.signed("handover.accepted", "eve", body, "shared", 9), signer=eve.signer)

    case.before.append(taken)


def _points(case: Case) -> None:
    case.said["synthesis"] = Synthesis(words="Seal first.", shown=6, hits=1)


Line = tuple[ProblemKind, Callable[[Case], None]]
ANY_CODE: Final[tuple[Line, ...]] = (
    (NOT_OUR_CODE, _not_ours),
    (CODE_VERSION_UNSUPPORTED, _version),
    (CODE_TEXT_MALFORMED, _text),
    (CODE_MALFORMED, _frame),
    (CODE_INFLATES_TOO_FAR, _inflates),
    (WRONG_TYPE_OF_CODE, _wrong_type),
    (CLOCK_BEFORE_ROSTER, _behind),
    (ROSTER_TOO_OLD, _old),
    (UNKNOWN_KEY, _unknown_key),
    (BAD_SIGNATURE, _signature),
    (KEY_REVOKED, _revoked),
    (KEY_NOT_VALID_THEN, _not_valid),
)
RECEIVER: Final[tuple[Line, ...]] = (
    *ANY_CODE,
    (OWN_OFFER, _own),
    (SENDER_NOT_AUTHORISED, _no_site),
    (CHALLENGE_UNKNOWN_OR_USED, _challenge),
    (OFFER_FROM_FUTURE, _future),
    (OFFER_LAPSED, _lapsed),
    (NOT_ADDRESSED, _addressed),
    (WRONG_SITE, _elsewhere),
    (ACCEPTED_HERE, _accepted_here),
    (SUPERSEDED, _superseded),
    (OTHER_CONTENT, _other_content),
    (SYNTHESIS_MISSING, _no_words),
)
SENDER: Final[tuple[Line, ...]] = (
    *ANY_CODE,
    (NOT_MY_OFFER, _not_mine),
    (OTHER_OFFER, _something_else),
    (SELF_ACCEPTANCE, _myself),
    (RECEIVER_NOT_AUTHORISED, _not_authorised),
    (OUTSIDE_WINDOW, _early),
    (ACCEPTED_BY_ANOTHER, _another),
    (POINTS_NOT_ACKNOWLEDGED, _points),
)
NEVER_BOTH: Final = {(CLOCK_BEFORE_ROSTER, ROSTER_TOO_OLD)}
"""A clock cannot be behind the roster and so far ahead of it that the roster is too old."""
LISTS: Final = {"phone-bo": RECEIVER, "phone-anna": SENDER}
ALONE: Final = [(device, line) for device, lines in LISTS.items() for line in lines]
PAIRS: Final = [
    (device, one, two)
    for device, lines in LISTS.items()
    for one, two in pairwise(lines)
    if (one[0], two[0]) not in NEVER_BOTH
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return asyncio.run(Base(tmp_path_factory.mktemp("base")).make())


@pytest.mark.parametrize("device", LISTS)
async def test_a_good_code_passes_every_check(device: str, base: Base, tmp_path: Path) -> None:
    assert await Case(base, tmp_path / "case", device).run() == "done"


@pytest.mark.parametrize(("device", "line"), ALONE, ids=lambda one: one if isinstance(one, str) else one[0].slug)
async def test_a_code_that_fails_one_check_is_refused_for_it(
    device: str, line: Line, base: Base, tmp_path: Path
) -> None:
    case = Case(base, tmp_path / "case", device)
    line[1](case)
    assert await case.run() == line[0].slug


@pytest.mark.parametrize(("device", "one", "two"), PAIRS, ids=lambda one: one if isinstance(one, str) else one[0].slug)
async def test_a_code_that_fails_two_neighbours_is_refused_for_the_earlier(
    device: str, one: Line, two: Line, base: Base, tmp_path: Path
) -> None:
    case = Case(base, tmp_path / "case", device)
    for line in (one, two):
        line[1](case)
    assert await case.run() == one[0].slug


def test_every_check_has_a_problem_of_its_own_that_says_what_to_do() -> None:
    kinds = {kind for lines in LISTS.values() for kind, _ in lines}
    assert len({kind.slug for kind in kinds}) == len({kind.title for kind in kinds}) == len(kinds) == 30
    assert all(kind.advice and kind.remedy in ("fix", "ask", "retry") for kind in kinds)
