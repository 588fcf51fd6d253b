"""The backend's key is replaced while it serves: devices follow, over as many changes as they sleep through."""

import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.commands import keys
from device.agent import enrol, open_agent
from device.world import Machine
from sync.policy import Roster
from sync.problems import BAD_ENROLMENT, Problem
from sync.protocol import read_document
from sync.seal import Signer, kid_in, kid_of
from tests.together.office import Office

pytestmark = pytest.mark.anyio


def rotate(office: Office) -> str:
    """The name of the key that signs from here on."""
    kid: str = json.loads(office._run(keys.main, "rotate", "--json"))["kid"]
    return kid


def rosters(office: Office) -> list[tuple[str, tuple[str, ...]]]:
    """Of each roster, in order, who signed it and which of the backend's keys it lists."""
    found = []
    with closing(sqlite3.connect(office.database)) as con:
        for raw, jws in con.execute("SELECT bytes, jws FROM document WHERE key = 'roster' ORDER BY version"):
            roster = read_document(raw)
            assert isinstance(roster, Roster)
            found.append((kid_in(jws), tuple(kid_of(jwk) for jwk in roster.keys)))
    return found


async def work(folder: Path) -> None:
    """The device records something, syncs, and nothing is left over."""
    async with open_agent(folder, Machine()) as agent:
        (person,) = agent.holding.people()
        await agent.jobs.open(person, site="site-1", asset="pump-7")
        assert (await agent.sync()).why == "all done"
        status = await agent.status()
        assert (status.held.waiting, status.notices) == (0, ())
        assert set(status.held.judged) == {"applied"}


async def test_devices_follow_the_key_over_as_many_changes_as_they_sleep_through(
    office: Office, tmp_path: Path
) -> None:
    for device in ("phone-anna", "phone-bo"):
        await enrol(tmp_path / device, Machine(), office.code(device))
        async with open_agent(tmp_path / device, Machine()) as agent:
            await agent.sync()
    first = rosters(office)[-1][1][0]
    code = office.code("tablet")
    second = rotate(office)
    assert rosters(office)[-1] == (first, (second, first))
    with pytest.raises(Problem) as met:
        await enrol(tmp_path / "void", Machine(), code)
    assert met.value.kind is BAD_ENROLMENT

    await work(tmp_path / "phone-anna")
    third, fourth = rotate(office), rotate(office)
    await work(tmp_path / "phone-anna")
    await work(tmp_path / "phone-bo")
    assert rosters(office)[-1] == (third, (fourth, third, second, first))

    await enrol(tmp_path / "tablet", Machine(), office.code("tablet"))
    await work_of_the_desk(tmp_path / "tablet")
    assert rosters(office)[-1][0] == fourth
    office.end(signal.SIGTERM)
    office.start()
    assert office.ready()
    await work(tmp_path / "phone-bo")
    with closing(sqlite3.connect(office.database)) as con:
        opened = {kid for (kid,) in con.execute("SELECT kid FROM log WHERE staff = 1")}
    assert opened == {first, second, third, fourth}
    listed = json.loads(office._run(keys.main, "list", "--json"))
    assert [(key["kid"], key["in_use"]) for key in listed] == [
        (first, False),
        (second, False),
        (third, False),
        (fourth, True),
    ]
    assert "in use" in office._run(keys.main, "list")


async def work_of_the_desk(folder: Path) -> None:
    """A device that was enrolled after the changes reads everything that came before them."""
    async with open_agent(folder, Machine()) as agent:
        assert (await agent.sync()).why == "all done"
        assert (await agent.status()).notices == ()
        memory = agent.holding.memory
        assert {memory.journey(job).accountable for job in memory.jobs()} == {"anna", "bo"}


async def test_a_database_of_yesterday_finds_the_key_it_asks_for_beside_the_one_in_use(office: Office) -> None:
    office.end(signal.SIGTERM)
    yesterday = office.database.read_bytes()
    key = office.database.with_name("handover.db.key")
    first = Signer(key.read_bytes()).kid
    second = rotate(office)
    assert Signer(key.read_bytes()).kid == second
    for path in office.database.parent.glob("handover.db-*"):
        path.unlink()
    office.database.write_bytes(yesterday)
    assert [one["kid"] for one in json.loads(office._run(keys.main, "list", "--json")) if one["in_use"]] == [first]
    assert Signer(key.read_bytes()).kid == first
    assert sorted(path.name for path in key.parent.glob("*.key.*")) == [f"{key.name}.{second}"]
    key.with_name(f"{key.name}.{second}").unlink()
    with closing(sqlite3.connect(office.database)) as con:
        con.execute("UPDATE setting SET value = ? WHERE name = 'key'", (second,))
        con.commit()
    with pytest.raises(AssertionError):
        office._run(keys.main, "list")
    office.database.unlink()
    office.start()
    assert office.ready()
