"""What every version left on disks and wires is taken by the newest: kept databases, backups and pushes (I15)."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.commands import verify
from backend.commands.rebuild import compare
from backend.config import Settings
from device.keyring import load_key
from device.transport import Request
from fixtures.versions.keep import HERE, LIFE, PACKED, SAYS, checksums, drain, stands, unpack
from sync.codec import decode, encode
from sync.ids import b64, digest, event_hash
from sync.protocol import PUSH_TYPE, ChallengeReply, PushReply, SessionReply, SessionRequest, inflate, read_push
from sync.seal import Signer
from tests.lints import ROOT
from tests.proving.deeds import Deeds
from tests.proving.town import Clock, Office, Town

pytestmark = pytest.mark.anyio
VERSIONS = sorted(path.parent.name for path in HERE.glob(f"*/{SAYS}"))
MEND = "Write a new migration; only while it is not released: .venv/bin/python -m fixtures.versions.keep --anew"
JSON = {"content-type": "application/json"}


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest) -> Path:
    return HERE / str(request.param)


@pytest.fixture
def said(kept: Path) -> dict[str, Any]:
    """What every later version has to make of it."""
    found: dict[str, Any] = decode((kept / SAYS).read_bytes(), dict[str, Any])
    return found


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """The disks of the town, to be used up."""
    unpack(kept, tmp_path / "town")
    return tmp_path / "town"


def is_whole(office: Office) -> None:
    """Nothing in the database was changed, and its projections are what the ledger makes of them."""
    assert verify.main(["--database", str(office.database)]) == 0
    assert compare(Settings(database=office.database)).ok


def stands_as(town: Town, said: dict[str, Any]) -> None:
    """Every event stands as it stood and each job with whom it was; what a later version adds is the office's own."""
    now = stands(town)
    devices = {hash_ for phone in town.phones.values() for hash_ in phone.recorded().values()}
    assert {hash_: now["events"].get(hash_) for hash_ in said["events"]} == said["events"]
    assert not devices & (now["events"].keys() - said["events"].keys()), "an event of a device's that was not there"
    assert now["jobs"] == said["jobs"]


async def test_i15_a_kept_backend_is_brought_up_and_stands_as_it_stood(folder: Path, said: dict[str, Any]) -> None:
    town = Town(folder, 5, life=LIFE)
    town.clock.now_ms = said["at_ms"]
    await town.office.start()
    stands_as(town, said["before"])
    await town.office.stop()
    is_whole(town.office)


async def test_i15_kept_queues_drain_to_the_backend_they_left(folder: Path, said: dict[str, Any]) -> None:
    waiting = {hash_ for device in said["devices"].values() for hash_ in device["unreceived"]}
    assert waiting, "nothing to drain"
    assert sum(device["blobs_waiting"] for device in said["devices"].values())
    town = await drain(folder, said["at_ms"])
    assert not any(phone.outbox() for phone in town.phones.values())
    assert waiting <= {row.hash for _, row in town.office.store().rows if row.verdict == "applied"}
    stands_as(town, said["after"])
    await town.close()
    is_whole(town.office)


async def test_i15_kept_queues_drain_to_a_backend_restored_from_a_backup_of_that_version(
    folder: Path, said: dict[str, Any]
) -> None:
    async def restored(deeds: Deeds) -> None:
        before = deeds.town.office.store()
        deeds.backups = 1
        await deeds.restore()
        after = deeds.town.office.store()
        assert after.epoch != before.epoch
        assert len(after.rows) < len(before.rows)

    town = await drain(folder, said["at_ms"], restored)
    held = {row.hash for _, row in town.office.store().rows}
    for device in said["devices"].values():
        assert set(device["events"]) <= held
    assert not any(phone.outbox() for phone in town.phones.values())
    assert stands(town)["jobs"] == said["after"]["jobs"]
    await town.close()
    is_whole(town.office)


async def test_i15_every_kept_push_is_taken_as_the_old_app_sent_it(folder: Path, said: dict[str, Any]) -> None:
    """By a backend that was only set up yet, and by the one that has them all: there each is a repetition."""
    shutil.copytree(folder / "set-up", folder / "fresh")
    for home, repeats in (("fresh", False), ("office", True)):
        office = Office(folder / home, Clock(said["at_ms"]), LIFE)
        await office.start()
        bodies = sorted((folder / "pushes").glob("*/*.ndjson.gz"))
        assert len(bodies) >= len(said["devices"])
        for path in bodies:
            reply = await push(office, folder / path.parent.name, path.read_bytes())
            words = {one.verdict for one in reply.verdicts}
            assert words <= {"applied", "parked", "quarantined"}, f"{path.name} of {path.parent.name}: {reply.verdicts}"
            assert not repeats or all(one.duplicate for one in reply.verdicts)
        lines = [line.raw for path in bodies for line in read_push(inflate(path.read_bytes())).lines]
        assert {event_hash(raw) for raw in lines} <= {row.hash for _, row in office.store().rows}
        await office.stop()
        is_whole(office)


async def push(office: Office, device: Path, body: bytes) -> PushReply:
    """These bytes in a session of that device's."""
    signer = key_of(device)

    async def ask(path: str, content: bytes, **headers: str) -> bytes:
        response = await office.handle(Request(method="POST", path=path, headers=headers, body=content))
        assert response.status == 200, response.body
        return response.body

    challenge = decode(await ask("/v1/session/challenge", b""), ChallengeReply).challenge
    signed = SessionRequest(challenge=challenge, jws=signer.sign(challenge.encode(), "ho-session"))
    token = decode(await ask("/v1/session", encode(signed), **JSON), SessionReply).token
    headers = {"content-type": PUSH_TYPE, "content-encoding": "gzip", "authorization": f"Bearer {token}"}
    return decode(await ask("/v1/sync/push", body, **headers), PushReply)


def key_of(device: Path) -> Signer:
    (kid,) = [path.name.removeprefix("key-") for path in device.glob("key-*")]
    return load_key(device, kid)


# -- keeping ---------------------------------------------------------------------
def test_no_migration_that_a_kept_database_went_through_was_changed(said: dict[str, Any]) -> None:
    today = checksums()
    for side, migrations in said["migrations"].items():
        changed = [name for name, checksum in migrations.items() if today[side].get(name) != checksum]
        assert not changed, (
            f"{side} of {said['version']} went through another {', '.join(changed)}: write a new one instead"
        )


def test_what_is_kept_is_as_it_was_kept(kept: Path, said: dict[str, Any]) -> None:
    assert b64(digest((kept / PACKED).read_bytes())) == said["sha256"]
    assert said["version"] == kept.name


def test_every_version_that_was_released_and_the_next_one_is_kept() -> None:
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    (project,) = re.findall(r'^version = "([^"]+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    lacking = {*released, project} - set(VERSIONS)
    assert not lacking, f"{lacking} not kept; run: .venv/bin/python -m fixtures.versions.keep"
