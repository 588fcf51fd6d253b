"""Both sides of a real handover are found whole; damage is named on either; what a backend lost, receipts tell."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands import exports, rebuild
from backend.commands import verify as backend_verify
from backend.proof_check import check_proof
from backend.proofs import read_proof
from device.agent import enrol, open_agent
from device.codes import read_code
from device.commands.table import main as device_main
from device.store.sqlite import FILE
from device.verify import Report, verify_device
from device.world import Machine
from sync.acceptance import synthesis_of
from sync.payload import NextAction, Payload
from sync.problems import DAMAGED_STORE, Problem
from tests.together.office import Office

PAYLOAD = Payload(state="in_progress", summary="the seal leaks", next_actions=(NextAction(what="Fit it", owner="bo"),))


async def hand_over(folder: Path, office: Office) -> str:
    """Anna hands a job to Bo, offline, and both sync; the offer."""
    for device in ("phone-anna", "phone-bo"):
        await enrol(folder / device, Machine(), office.code(device))
    async with open_agent(folder / "phone-anna", Machine()) as anna, open_agent(folder / "phone-bo", Machine()) as bo:
        await anna.sync()
        await bo.sync()
        job = await anna.jobs.open("anna", site="site-1", asset="pump-7")
        offer = await anna.offering.offer("anna", job, PAYLOAD, ["bo"])
        seen = await bo.accepting.look("bo", read_code(offer.texts))
        synthesis = synthesis_of("fit the seal", ["Fit it"], seen.choices, seen.content.payload)
        shown = await bo.accepting.accept("bo", seen, synthesis)
        await anna.offering.confirm("anna", read_code(shown.texts))
        await bo.sync()
        await anna.sync()
        await anna.jobs.note("anna", job, "not sent yet")
        return seen.offer.hash


class Met:
    """What is left after it: the backend's database, and a folder a device."""

    def __init__(self, folder: Path) -> None:
        office = Office(folder)
        office.start()
        try:
            assert office.ready()
            self.yesterday = folder / "yesterday.db"
            with closing(sqlite3.connect(office.database)) as con:
                con.execute("VACUUM INTO ?", (str(self.yesterday),))
            self.offer = anyio.run(hand_over, folder, office)
        finally:
            office.end(signal.SIGTERM)
        self.database = office.database
        self.anna, self.bo = folder / "phone-anna", folder / "phone-bo"


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> Met:
    return Met(tmp_path_factory.mktemp("met"))


@pytest.fixture
def copy(met: Met, tmp_path: Path) -> Path:
    """Anna's device, to be damaged."""
    return copied(met, tmp_path / "device")


def copied(met: Met, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(met.anna / FILE)) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(met.anna / FILE, folder / FILE)
    return folder


def test_both_sides_are_whole_and_so_is_the_proof_of_it(
    met: Met, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backend_verify.main(["--database", str(met.database)]) == 0
    for device in (met.anna, met.bo):
        assert device_main(["verify", "--dir", str(device)]) == 0
    assert "all is as it was recorded and pulled" in capsys.readouterr().out
    out = tmp_path / "proof"
    assert exports.main(["proof", met.offer, "--database", str(met.database), "--out", str(out)]) == 0
    checked = check_proof(read_proof(out))
    assert (checked.ok, checked.outcome, checked.accountable) == (True, "accepted", "bo")
    assert rebuild.main(["--check", "--database", str(met.database)]) == 0


def test_yesterdays_backend_is_whole_in_itself_and_found_by_a_receipt(
    met: Met, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert device_main(["verify", "--dir", str(met.anna), "--json"]) == 0
    said = tmp_path / "anna.json"
    said.write_text(capsys.readouterr().out)
    (receipt,) = json.loads(said.read_text())["receipts"]
    log = json.loads(receipt["text"])["log"]
    assert backend_verify.main(["--database", str(met.database), "--receipts", str(said)]) == 0
    assert backend_verify.main(["--database", str(met.yesterday)]) == 0
    assert backend_verify.main(["--database", str(met.yesterday), "--receipts", str(said), "--json"]) == 1
    first = json.loads(capsys.readouterr().out.splitlines()[-1])["first"]
    assert (first["where"], first["what"]) == (f"{log}:1", "missing")


# -- a damaged device ---------------------------------------------------------
def do(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as con:
        con.execute(statement)


DAMAGE: dict[str, tuple[tuple[str, ...], int]] = {
    "changed bytes": (
        ("UPDATE event SET raw = CAST(replace(CAST(raw AS TEXT), 'pump', 'bump') AS BLOB) WHERE seq = 2",),
        2,
    ),
    "changed chain": (("UPDATE event SET chain = zeroblob(32) WHERE seq = 3",), 3),
    "dropped": (("DELETE FROM event WHERE seq = 2",), 2),
    "dropped and closed up": (
        ("DELETE FROM event WHERE seq = 3", "UPDATE event SET seq = seq - 1 WHERE seq > 3"),
        3,
    ),
    "inserted": (
        (
            "UPDATE event SET seq = 100 + seq WHERE seq > 2",
            "INSERT INTO event SELECT log, 3, raw, chain, jws, recorded_ms FROM event WHERE seq = 2",
            "UPDATE event SET seq = seq - 99 WHERE seq > 99",
        ),
        3,
    ),
    "swapped": (
        (
            "UPDATE event SET seq = 99 WHERE seq = 2",
            "UPDATE event SET seq = 2 WHERE seq = 4",
            "UPDATE event SET seq = 4 WHERE seq = 99",
        ),
        2,
    ),
    "changed signature": (("UPDATE event SET jws = (SELECT jws FROM event WHERE seq = 1) WHERE seq = 2",), 2),
    "taken signature": (("UPDATE event SET jws = '' WHERE seq = 3",), 3),
    "cut off": (("DELETE FROM event WHERE seq > 3", "DELETE FROM outbox"), 4),
    "outbox emptied": (("DELETE FROM outbox",), 6),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_first_bad_event_of_a_device_is_named(damage: str, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    statements, seq = DAMAGE[damage]
    with closing(sqlite3.connect(copy / FILE)) as con:
        ((log, last),) = con.execute("SELECT log.log, max(seq) FROM event JOIN log ON log.number = event.log")
    assert last == 6
    for statement in statements:
        do(copy, statement)
    capsys.readouterr()
    assert device_main(["verify", "--dir", str(copy), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first"]["where"] == f"{log}:{seq}"


def test_changed_documents_receipts_and_pulled_events_of_a_device_are_named(copy: Path) -> None:
    changes: tuple[tuple[str, Callable[[Report], bool]], ...] = (
        (
            "UPDATE document SET raw = CAST(CAST(raw AS TEXT) || ' ' AS BLOB) WHERE name = 'roster'",
            lambda found: "document roster" in where(found),
        ),
        ("UPDATE receipt SET text = replace(text, ':5,', ':4,')", lambda found: "receipt" in where(found)),
        (
            "UPDATE pulled SET raw = CAST(CAST(raw AS TEXT) || ' ' AS BLOB)",
            lambda found: found.first is not None and found.first.what == "changed",
        ),
    )
    for statement, is_found in changes:
        before = (copy / FILE).read_bytes()
        do(copy, statement)
        assert is_found(verify_device(copy)), statement
        (copy / FILE).write_bytes(before)


def where(report: Report) -> str:
    return report.first.where if report.first else ""


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.sampled_from(["flip", "page", "cut"]), place=st.integers(0, 10**6), by=st.integers(1, 255))
def test_no_byte_of_a_devices_log_is_changed_unseen_and_nothing_ends_in_a_traceback(
    damage: str, place: int, by: int, met: Met, copy: Path
) -> None:
    path = copied(met, copy) / FILE
    raw = path.read_bytes()
    at = place * 7919 % len(raw)
    start = at // 4096 * 4096
    match damage:
        case "flip":
            path.write_bytes(raw[:at] + bytes([raw[at] ^ by]) + raw[at + 1 :])
        case "page":
            path.write_bytes(raw[:start] + bytes([by]) * 4096 + raw[start + 4096 :])
        case _:
            path.write_bytes(raw[:at])
    try:
        report = verify_device(copy)
    except Problem as problem:
        if problem.kind is DAMAGED_STORE:
            return
        raise
    assert not report.ok or events_in(path) == events_in(met.anna / FILE)


def events_in(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as con:
        return con.execute("SELECT log, seq, raw, chain, jws FROM event ORDER BY log, seq").fetchall()


def test_a_folder_without_a_device_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert device_main(["verify", "--dir", str(tmp_path)]) == 2
    assert "no device was enrolled here" in capsys.readouterr().err
    (tmp_path / FILE).write_text("no database, but a text that is longer than the header of one " * 10)
    assert device_main(["verify", "--dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
