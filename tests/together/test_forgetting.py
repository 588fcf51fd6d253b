"""A person's words are taken out under running devices, in real processes: no copy of them stays on either side."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.commands import people, redact, verify
from device.agent import Agent
from device.codes import read_code
from device.store.sqlite import FILE
from device.verify import verify_device
from sync.acceptance import synthesis_of
from sync.payload import REDACTED, NextAction, Payload
from sync.problems import WORDS_GONE, Problem
from tests.together.crew import Field
from tests.together.office import Office

pytestmark = pytest.mark.anyio
SAID = "the widow next door has the key"
PAYLOAD = Payload(state="in_progress", summary=SAID, next_actions=(NextAction(what="Fit it", owner="bo"),))


class Told(Field):
    """A field in which everybody knows of the widow."""

    async def begin(self) -> None:
        self.office._run(people.main, "add", "max", "--role", "manager", "--site", "*")
        self.anna, self.bo = await self.enrol("phone-anna"), await self.enrol("phone-bo")
        await self.round()

    async def tell(self) -> None:
        """Anna hands a job over to Bo, offline, and both write of it."""
        self.job = await self.anna.jobs.open("anna", site="site-1", asset="pump-7")
        blobs = self.anna.attaching.attach(f"transcript: {SAID}\n".encode() * 20, "transcript")
        self.note = await self.anna.jobs.note("anna", self.job, SAID, blobs=blobs)
        self.offer = await self.anna.offering.offer("anna", self.job, PAYLOAD, ["bo"])
        seen = await self.bo.accepting.look("bo", read_code(self.offer.texts))
        words = synthesis_of(SAID, ["Fit it"], seen.choices, seen.content.payload)
        self.accepted = await self.bo.accepting.accept("bo", seen, words)
        await self.anna.offering.confirm("anna", read_code(self.accepted.texts))

    def take_out(self, *asked: str) -> dict[str, str]:
        """Max has it done: by hash, each event and the one that restates it."""
        done = json.loads(self.office._run(redact.main, *asked, "--by", "max", "--yes", "--json"))
        assert done["leaves"] == []
        return dict(done["taken"])

    def spoken(self) -> set[str]:
        """Where in the folders of all these words still stand: names of files."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and "yesterday" not in path.parts]
        return {str(path.relative_to(self.folder)) for path in files if SAID.encode() in path.read_bytes()}

    def lines(self, device: str) -> list[bytes]:
        with closing(sqlite3.connect(self.folder / device / FILE)) as con:
            return [raw for (raw,) in con.execute("SELECT raw FROM event UNION ALL SELECT raw FROM pulled")]

    async def whole(self) -> None:
        """Nothing is wrong with any database, everything is received, and all sides agree."""
        await self.settled()
        assert verify.main(["--database", str(self.office.database)]) == 0
        for name, agent in self.agents.items():
            report = verify_device(self.folder / name)
            assert report.ok, report.faults
            await agent.refresh()
            assert agent.holding.memory.journey(self.job).accountable == "bo"


@pytest.fixture
async def told(office: Office, tmp_path: Path) -> AsyncIterator[Told]:
    found = Told(office, tmp_path)
    try:
        await found.begin()
        await found.tell()
        yield found
    finally:
        await found.close()


def said_here(agent: Agent, hash_: str) -> str:
    event = agent.holding.event(hash_)
    return str(event.body)


async def test_no_copy_stays_on_the_backend_or_on_any_device_and_all_still_verifies(told: Told) -> None:
    await told.round()
    await told.round()
    assert told.spoken() != set()
    taken = told.take_out("--job", told.job)
    assert {told.note.hash, told.offer.event, told.accepted.event} < set(taken)
    await told.round()
    assert told.spoken() == set()
    for device in ("phone-anna", "phone-bo"):
        held = told.lines(device)
        assert told.offer.event.encode() in held
        assert told.accepted.event.encode() in held
    for agent in (told.anna, told.bo):
        assert REDACTED in said_here(agent, told.offer.event)
        assert agent.holding.memory.event(told.offer.event) is not None
    with pytest.raises(Problem) as caught:
        await told.anna.codes.show(told.offer.event)
    assert caught.value.kind is WORDS_GONE
    await told.anna.jobs.note("anna", told.job, "life goes on")
    await told.round()
    await told.whole()


async def test_what_is_not_received_yet_stays_until_it_is_and_then_goes(told: Told) -> None:
    """The backend has Anna's offer from Bo's witness alone; she hears of its redaction before she has sent it."""
    await told.bo.sync()
    told.take_out(told.offer.event)
    anna = told.anna
    before = await anna.status()
    assert before.held.waiting > 0
    await told.round()
    await told.round()
    assert told.offer.event.encode() in told.lines("phone-anna")
    assert SAID.encode() in b"".join(told.lines("phone-anna")), "the note was not asked for"
    told.take_out("--job", told.job)
    await told.round()
    assert told.spoken() == set()
    await told.whole()


async def test_a_backend_from_before_it_was_done_learns_it_from_its_devices_again(told: Told) -> None:
    await told.round()
    yesterday = told.backup("yesterday")
    later = await told.bo.jobs.note("bo", told.job, SAID)
    await told.round()
    taken = told.take_out("--job", told.job)
    assert later.hash in taken
    await told.round()
    told.restore(yesterday)
    assert told.spoken() != set()
    await told.round()
    await told.round()
    told.office._run(redact.main, "--job", told.job, "--by", "max", "--yes")  # nothing is left but to shrink the file
    replaced = {name for name in told.spoken() if "replaced" not in name}
    assert replaced == set()
    with closing(sqlite3.connect(told.office.database)) as con:
        held = {raw for (raw,) in con.execute("SELECT bytes FROM event")}
    assert {hash_.encode() for hash_ in taken} <= held
    await told.whole()


async def test_a_device_that_joins_later_reads_what_is_left(told: Told) -> None:
    await told.round()
    told.take_out("--job", told.job)
    tablet = await told.enrol("tablet")
    assert tablet.holding.memory.journey(told.job).accountable == "bo"
    assert REDACTED in said_here(tablet, told.offer.event)
    await told.round()
    assert told.spoken() == set()
    await told.whole()


async def test_who_is_forgotten_has_no_name_on_any_device(told: Told) -> None:
    told.office._run(people.main, "add", "anna", "--name", "Anna Example")
    await told.round()
    assert told.bo.holding.memory.names["anna"] == "Anna Example"
    told.office._run(people.main, "remove", "anna")
    done = json.loads(told.office._run(people.main, "forget", "anna", "--by", "max", "--yes", "--json"))
    assert done["names"] > 0
    assert {told.note.hash, told.offer.event} < set(done["taken"])
    assert told.accepted.event not in done["taken"]
    await told.bo.sync()
    assert "anna" not in told.bo.holding.memory.names
    assert REDACTED in said_here(told.bo, told.offer.event)
