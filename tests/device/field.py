"""A field with named people and a device each, as a backend would have set them up: no network, no server.

Anna and Bo are technicians at site-1, Cy is one at site-2, Dee dispatches; Anna and Eve share the handheld.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from device import enrolment
from device.agent import Agent, open_agent
from device.store import log, pulled
from device.store.sqlite import open_store
from device.transport import Request, Response
from sync.cards import Enrolment
from sync.clock import Moment, milliseconds, rfc3339
from sync.codec import encode
from sync.ids import b64, digest
from sync.payload import NextAction, Payload, Risk
from sync.policy import Accept, CheckRule, Device, Document, Names, Person, Policy, Roster
from sync.problems import NO_CONNECTION, Problem
from sync.seal import Jwk, Signer

MORNING = "2026-05-04T08:00:00Z"
OFFICE = Signer(b"office".ljust(32, b"."))
DEVICES = {
    "phone-anna": ("anna",),
    "phone-bo": ("bo",),
    "phone-cy": ("cy",),
    "desk": ("dee",),
    "shared": ("anna", "eve"),
}
PEOPLE = {
    "anna": Person(roles=("technician",), skills=("pumps",), teams=("north",), sites=("site-1",)),
    "bo": Person(roles=("technician",), skills=("pumps",), teams=("north",), sites=("site-1",)),
    "cy": Person(roles=("technician",), sites=("site-2",)),
    "dee": Person(roles=("dispatcher",), teams=("office",), sites=("*",)),
    "eve": Person(roles=("technician",), sites=("site-1",)),
}
SITE_POLICY = Policy(
    boundary="technician-technician",
    version=1,
    issued_at=MORNING,
    sender_role="technician",
    mandatory=("state", "next_actions"),
    checks=(
        CheckRule(id="asset", needs="asset_scanned", gap="asset", text="scan the pump"),
        CheckRule(id="owner", needs="next_action_owner", gap="owner", text="name who does what next"),
    ),
    accept=Accept(roles=("technician",)),
    distractors=("Replace the filter", "Call the customer", "Order a new pump"),
    salt="field",
)
PAYLOAD = Payload(
    priority="urgent",
    state="in_progress",
    summary="The seal of pump 7 leaks; isolated, drained, new seal ordered.",
    next_actions=(NextAction(what="Fit the new seal", owner="bo"), NextAction(what="Bleed the line", owner="bo")),
    risks=(Risk(if_="The valve passes", then="close the main"),),
)
POINTS = ("Fit the new seal", "Bleed the line", "The valve passes")


class SetWorld:
    """A world that stands still until somebody moves it; entropy follows from a name."""

    def __init__(self, name: str, now: str = MORNING) -> None:
        self.name = name
        self.wall_ms = milliseconds(now)
        self._mono_ms = 0
        self._drawn = 0
        self.boot = "boot"
        self.points: list[str] = []

    def forward(self, ms: int) -> None:
        self.wall_ms += ms
        self._mono_ms += ms

    def reboot(self) -> None:
        self.boot += "+"
        self._mono_ms = 0

    def now_ms(self) -> int:
        return self.wall_ms

    def mono_ms(self) -> int:
        return self._mono_ms

    def moment(self) -> Moment:
        self.forward(1)
        return Moment(wall=rfc3339(self.wall_ms), mono=self._mono_ms, boot=self.boot)

    def token(self, size: int) -> bytes:
        self._drawn += 1
        drawn = b"".join(digest(f"{self.name} {self._drawn} {part}".encode()) for part in range(size // 32 + 1))
        return drawn[:size]

    def chance(self) -> float:
        return 0.5

    def fault(self, point: str) -> None:
        self.points.append(point)


class Silence:
    """A wire with nobody at the other end."""

    async def send(self, request: Request) -> Response:
        raise Problem(NO_CONNECTION, request.path)

    def close(self) -> None:
        """Nothing was open."""


class Field:
    """Devices under one folder, enrolled one by one; `publish` gives all of them the documents."""

    def __init__(self, folder: Path, issued_at: str = MORNING) -> None:
        self.folder = folder
        self.issued_at = issued_at
        self.worlds: dict[str, SetWorld] = {}
        self.keys: dict[str, Jwk] = {}
        self.version = 0

    async def enrol(self, *names: str) -> None:
        """Each of these devices has a key and a log, and every device the roster that lists them all."""
        for name in names:
            directory = self.folder / name
            directory.mkdir()
            world = self.worlds[name] = SetWorld(name)
            card = Enrolment(url="http://backend.invalid", code="code", fingerprint=OFFICE.kid)
            async with open_store(directory) as store:
                row, signer = await enrolment.begin(store, directory, world, card)

                def bind(con: sqlite3.Connection, row: log.LogRow = row, name: str = name) -> None:
                    log.enrolled(con, row, device=name, keys=(OFFICE.jwk,))

                await store.writing(bind)
            self.keys[name] = signer.jwk
        await self.publish(self.roster(), SITE_POLICY)

    def roster(self, people: dict[str, Person] | None = None, **devices: Device) -> Roster:
        """The roster of all that are enrolled; `devices` take the place of what it would say of them."""
        self.version += 1
        listed = {name: Device(id=name, jwk=jwk, people=DEVICES[name]) for name, jwk in self.keys.items()}
        return Roster(
            version=self.version,
            issued_at=self.issued_at,
            devices=tuple((listed | {name.replace("_", "-"): one for name, one in devices.items()}).values()),
            people=PEOPLE | (people or {}),
            teams=("north", "office"),
            keys=(OFFICE.jwk,),
        )

    async def publish(self, *documents: Document) -> None:
        """Every device holds these documents, signed by the office."""
        for name in self.keys:
            await self.give(name, *documents)

    async def give(self, name: str, *documents: Document) -> None:
        """One device holds these documents."""

        def keep(con: sqlite3.Connection) -> None:
            for document in documents:
                raw = encode(document)
                pulled.keep_document(con, document, raw, OFFICE.sign(raw, "ho-doc"))

        async with open_store(self.folder / name) as store:
            await store.writing(keep)

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[Agent]:
        """This device's agent, with nobody at the other end of its wire."""
        async with open_agent(self.folder / name, self.worlds[name], lambda _: Silence()) as agent:
            yield agent

    def pass_time(self, ms: int) -> None:
        """For everybody alike."""
        for world in self.worlds.values():
            world.forward(ms)


NAMES = Names(version=1, issued_at=MORNING, names={"anna": "Anna Example"})


def unknown_hash(text: str = "nothing") -> str:
    """The hash of something that nobody recorded."""
    return b64(digest(text.encode()))
