"""A person's words are taken out for good: nothing of them stays, and all that was decided does."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backend.backups import make_backup, restore
from backend.commands import exports, people
from backend.commands.rebuild import compare
from backend.config import Settings
from backend.exchange.proof import MANIFEST, MANIFEST_JWS, Manifest
from backend.intake import open_door
from backend.master import PERSON, PersonRow, end, put
from backend.proof_check import check_proof
from backend.proofs import read_proof
from backend.restating import restating
from backend.store.sqlite import shrink
from backend.verify.database import verify_database
from backend.writing import Place, Writing
from sync.codec import decode, encode
from sync.events import Blob, Draft, EventRedacted, JobHeld, NoteWritten
from sync.ids import b64, digest, event_name
from sync.ledger import is_hash
from sync.payload import REDACTED, Payload
from sync.policy import Names
from sync.problems import NOT_REDACTABLE, RESTATEMENT_MISSING, Problem
from sync.protocol import PulledEvent, ReturnReply, deflate, write_line
from sync.redaction import restated
from tests.backend.conftest import catch_up
from tests.backend.lived_in import Lived, accepts, confirms, offers, open_backend, witnesses
from tests.backend.people import Author, FixedWorld, Recorded, Staff, codes, words
from tests.backend.test_blobs import PHOTO, PNG, ask, send
from tests.backend.test_blobs import put as put_blob
from tests.backend.test_proof import LIBRARIES, signed

pytestmark = pytest.mark.anyio
SAID = "the widow next door has the key"
SignIn = Callable[[str], Awaitable[Staff]]


class Handed:
    """anna handed a job over to bo, each scanned the other's code, and both wrote of the widow."""

    def __init__(self, here: Lived) -> None:
        self.here = here
        self.client = here.client

    async def begin(self) -> None:
        here = self.here
        self.anna, self.bo = await here.enrol("anna"), await here.enrol("bo")
        await catch_up(self.anna, here.intake)
        self.max, self.dora = await here.staff("max"), await here.staff("dora")
        self.job, self.opened, self.offer = offers(self.anna, "bo", Payload(summary=SAID))
        self.scan = witnesses(self.bo, self.anna, self.opened, self.offer)
        self.taken = accepts(self.bo, self.job, self.offer.hash)
        self.note = self.bo.record("note.written", NoteWritten(text=SAID), job=self.job, blobs=(PHOTO,))
        await self.bo.push(here.client, 2)
        self.scan_back = witnesses(self.anna, self.bo, self.taken)
        confirms(self.anna, self.job, self.offer.hash, self.taken.hash)
        await self.anna.push(here.client, 2)
        await send(here.client, self.bo, PNG)

    async def redact(self, *events: Recorded | str, by: str = "max", status: int = 201, **more: str) -> Any:  # noqa: ANN401 - JSON
        asked = {"events": [one if isinstance(one, str) else one.hash for one in events]} | more
        return await (self.max if by == "max" else self.dora).send("/api/redactions", asked, status)

    async def plan(self, **asked: object) -> Any:  # noqa: ANN401 - JSON
        return await self.max.send("/api/redactions/plan", asked, 200)

    def row(self, author: Author, event: Recorded) -> tuple[bytes, int, str | None]:
        sql = "SELECT bytes, verdict, jws FROM event JOIN log ON log.ref = event.log WHERE log.log = ? AND seq = ?"
        with closing(sqlite3.connect(self.here.path)) as con:
            found: tuple[bytes, int, str | None] = con.execute(sql, (author.log, event.seq)).fetchone()
        return found

    async def timeline(self) -> dict[str, Any]:
        return {one["hash"]: one for one in (await self.max.get(f"/api/jobs/{self.job}"))["timeline"]}

    def check(self) -> None:
        """Nothing in the database is bad, and its projections are what a rebuild makes of it."""
        report = verify_database(self.here.path)
        assert report.ok, report.faults
        compared = compare(Settings(database=self.here.path))
        assert compared.ok, compared


def written(path: Path, text: str = SAID) -> set[str]:
    """The files in which these words stand, once what was overwritten is gone from the database's."""
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        assert shrink(con)
    return {one.name for one in path.parent.rglob("*") if one.is_file() and text.encode() in one.read_bytes()}


@pytest.fixture
async def stack() -> Any:  # noqa: ANN401 - an async generator
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def handed(tmp_path: Path, stack: AsyncExitStack) -> Handed:
    found = Handed(await open_backend(tmp_path / "office" / "handover.db", stack))
    await found.begin()
    return found


async def test_what_was_said_is_gone_from_every_place_and_what_was_decided_stays(handed: Handed) -> None:
    before = await handed.max.get(f"/api/jobs/{handed.job}")
    done = await handed.redact(handed.offer, handed.note)
    assert set(done["taken"]) == {handed.offer.hash, handed.note.hash, handed.scan.hash}
    assert done["leaves"] == []
    after = await handed.max.get(f"/api/jobs/{handed.job}")
    for what in ("state", "accountable", "open_cases", "discrepancies", "visits", "blobs_awaited"):
        assert before["job"].get(what) == after["job"].get(what) or what == "blobs_awaited"
    handovers = [[one[what] for what in ("state", "elements", "complete")] for one in after["handovers"]]
    assert handovers == [[one[what] for what in ("state", "elements", "complete")] for one in before["handovers"]]
    entries = {one["hash"]: one for one in after["timeline"]}
    assert entries[handed.offer.hash]["body"]["payload"]["summary"] == REDACTED
    assert entries[handed.note.hash]["body"]["text"] == REDACTED
    assert [one["hash"] for one in after["timeline"]] == [one["hash"] for one in before["timeline"]]
    for author, event in ((handed.anna, handed.offer), (handed.bo, handed.note), (handed.bo, handed.scan)):
        assert handed.row(author, event) == (event.hash.encode(), 0, event.jws or None)
    handed.check()
    assert written(handed.here.path) == set()


async def test_the_blobs_of_an_event_go_unless_another_event_names_them(handed: Handed) -> None:
    folder = handed.here.intake.door.blobs
    second = handed.bo.record("note.written", NoteWritten(text="the same picture"), job=handed.job, blobs=(PHOTO,))
    await handed.bo.push(handed.client, second.seq)
    await handed.redact(handed.note)
    assert folder.size(PHOTO.sha256) == len(PNG)
    await handed.redact(second)
    assert folder.size(PHOTO.sha256) is None
    (held,) = await ask(handed.client, handed.bo, PNG)
    assert (held.held, held.refused) == (0, "blob-unknown")
    answer = await put_blob(handed.client, handed.bo, PNG, PNG[:1000], 0)
    assert answer.json()["refused"] == "blob-unknown"
    assert list(folder.names()) == []


async def test_a_blob_whose_event_is_redacted_while_it_comes_is_not_kept(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = b"\xff\xd8\xff\xe0" + bytes(5000)
    blob = Blob(sha256=b64(digest(other)), size=len(other), type="image/jpeg")
    event = handed.bo.record("note.written", NoteWritten(text=SAID), job=handed.job, blobs=(blob,))
    await handed.bo.push(handed.client, event.seq)
    folder = handed.here.intake.door.blobs
    finish = folder.finish

    def finish_late(kid: str, name: str) -> int:
        size = finish(kid, name)
        with open_door(Settings(database=handed.here.path, escalate_every_s=0), FixedWorld(seed=b"beside")) as (
            door,
            con,
        ):
            row = con.execute(
                "SELECT log, seq, bytes FROM event WHERE instr(bytes, ?) > 0", (name.encode(),)
            ).fetchone()
            place = Place(row[0], row[1])
            door.write_now(con, lambda writing: door.office.record(writing, [restating(writing, place, row[2], "max")]))
        return size

    monkeypatch.setattr(folder, "finish", finish_late)
    said = await send(handed.client, handed.bo, other)
    assert (said.refused, said.receipt) == ("blob-unknown", None)
    assert folder.size(blob.sha256) is None


async def test_what_would_come_of_it_is_listed_first_and_twice_is_once(handed: Handed) -> None:
    listed = await handed.plan(events=[handed.offer.hash, event_name(handed.bo.log, handed.note.seq)])
    assert {one["event"]: (one["kind"], one["why"]) for one in listed["takes"]} == {
        handed.offer.hash: ("handover.offered", "asked for"),
        handed.note.hash: ("note.written", "asked for"),
        handed.scan.hash: ("code.witnessed", "holds the words of another"),
    }
    assert (handed.row(handed.anna, handed.offer))[0] == handed.offer.raw
    await handed.redact(handed.offer, handed.note)
    again = await handed.redact(handed.offer, handed.note)
    assert again == {"taken": {}, "leaves": [], "names": 0}
    assert (await handed.plan(events=[handed.offer.hash, handed.note.hash]))["already"] == 2
    handed.check()


async def test_its_author_may_send_it_again_and_its_bytes_are_not_kept_again(handed: Handed) -> None:
    await handed.redact(handed.offer, handed.note)
    for author in (handed.anna, handed.bo):
        reply = await author.push(handed.client)
        assert set(words(reply)) == {"applied"}
        assert {one.duplicate for one in reply.verdicts} == {True}
        assert reply.received_through == len(author.events)
    assert handed.row(handed.anna, handed.offer)[0] == handed.offer.hash.encode()
    handed.check()
    assert written(handed.here.path) == set()


async def test_devices_get_its_hash_and_what_is_left_of_it(handed: Handed) -> None:
    await handed.redact(handed.offer)
    lines = [line for line in await handed.bo.pull(handed.client, "") if isinstance(line, PulledEvent)]
    by_raw = {line.raw: line for line in lines}
    assert by_raw[handed.offer.hash.encode()].jws == handed.offer.jws
    said = [decode(line.raw, Restating).body for line in lines if b'"event.redacted"' in line.raw]
    assert {one.event: one.holds for one in said} == {
        handed.offer.hash: (),
        handed.scan.hash: (handed.opened.hash, handed.offer.hash),
    }
    assert {one.kid for one in said if one.event == handed.offer.hash} == {handed.anna.signer.kid}
    elsewhere = await handed.here.enrol("cleo")
    given = [line for line in await elsewhere.pull(handed.client, "") if isinstance(line, PulledEvent)]
    assert sum(b'"event.redacted"' in line.raw for line in given) == 2


class Restating(msgspec.Struct, frozen=True):
    body: EventRedacted


async def test_who_is_forgotten_is_gone_with_all_that_he_wrote_and_nobody_else_is(handed: Handed, capsys: Any) -> None:  # noqa: ANN401
    path = handed.here.path
    refused = handed.bo.record("note.written", NoteWritten(text=SAID), job=b64(bytes(16)))
    handed.bo.keep(b"not an event: " + SAID.encode())
    await handed.bo.push(handed.client, refused.seq)
    held = handed.anna.record("job.held", JobHeld(reason="Bo says so"), job=handed.job)
    await handed.anna.push(handed.client, held.seq)
    args = ["forget", "bo", "--by", "max", "--database", str(path)]
    assert people.main(args) == 2
    assert "take this person off first" in capsys.readouterr().err
    assert people.main(["remove", "bo", "--database", str(path)]) == 0
    assert people.main(args) == 0
    out = capsys.readouterr().out
    assert "4 would be redacted" in out
    assert "nobody knows whose it is" in out
    assert written(path) != set()
    assert people.main([*args[:4], "--yes", *args[4:]]) == 0
    out = capsys.readouterr().out
    assert "4 redacted" in out
    for event in (handed.taken, handed.note, refused):
        assert handed.row(handed.bo, event)[0] == event.hash.encode()
    assert handed.row(handed.anna, handed.scan_back)[0] == handed.scan_back.hash.encode()
    assert handed.row(handed.anna, held)[0] == held.raw
    assert "Bo says so" in (await handed.timeline())[held.hash]["body"]["reason"]
    names = await handed.here.intake.do(lambda writing: writing.documents.newest("names"))
    assert names is not None
    assert isinstance(names[1], Names)
    assert "bo" not in names[1].names
    assert written(path, '"name":"Bo"') == set()
    bad = await handed.redact(event_name(handed.bo.log, refused.seq + 1))
    assert len(bad["taken"]) == 1
    await handed.redact(handed.offer)
    assert written(path) == set()
    handed.check()


async def test_all_of_a_job_is_taken_out_and_nothing_of_another(handed: Handed) -> None:
    other, _, offer = offers(handed.anna, "bo", Payload(summary="another job"))
    await handed.anna.push(handed.client, len(handed.anna.events) - 1)
    by_hand = await handed.dora.do(handed.job, "note", text=SAID)
    done = await handed.max.send("/api/redactions", {"job": handed.job})
    assert {by_hand["events"][0]["event"], handed.offer.hash, handed.note.hash, handed.taken.hash} < set(done["taken"])
    assert handed.row(handed.anna, offer)[0] == offer.raw
    assert (await handed.max.get(f"/api/jobs/{other}"))["handovers"][0]["state"] == "offered"
    handed.check()
    assert written(handed.here.path) == set()


async def test_what_cannot_be_redacted_is_said_with_the_reason(handed: Handed) -> None:
    raw = handed.anna.events[1].raw.replace(b'"seq":2', b'"seq":%d' % (len(handed.anna.events) + 1))
    newer = handed.anna.keep(raw.replace(b'"v":1', b'"v":2'))
    await handed.anna.push(handed.client, newer.seq)
    done = await handed.redact(handed.offer)
    nobodys = b64(bytes(32))
    found = await handed.redact(newer, nobodys, f"{'A' * 22}:1", *done["taken"].values(), handed.anna.events[0])
    assert found["taken"] == {}
    reasons = {one["event"]: one["why"] for one in found["leaves"]}
    assert "newer than this software" in reasons[newer.hash]
    assert reasons[nobodys] == reasons[f"{'A' * 22}:1"] == "it is not held here"
    assert {reasons[by] for by in done["taken"].values()} == {"a redaction says no words"}
    await handed.redact("x", status=400)
    await handed.redact(handed.offer, job=handed.job, status=400)
    await handed.max.send("/api/redactions", {}, 400)


async def test_only_managers_and_admins_do_it_and_only_in_their_scope(handed: Handed) -> None:
    await handed.redact(handed.note, by="dora", status=403)
    intake = handed.here.intake

    def narrow(writing: Writing) -> None:
        row = PersonRow(name="Max", roles=("admin",), sites=("south",))
        put(writing.con, PERSON, "max", row, by="test", now_ms=writing.now_ms)
        end(writing.con, PERSON, "cleo", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(narrow)
    found = await handed.redact(handed.note, handed.opened)
    assert (found["taken"], {one["why"] for one in found["leaves"]}) == ({}, {"it is not held here"})
    await handed.max.send("/api/redactions", {"job": handed.job}, 404)
    await handed.max.send("/api/redactions", {"person": "cleo"}, 403)
    assert handed.row(handed.bo, handed.note)[0] == handed.note.raw


async def test_what_was_refused_put_aside_or_stands_on_another_branch_is_redacted_as_well(handed: Handed) -> None:
    clone = handed.bo.fork()
    one = handed.bo.record("note.written", NoteWritten(text="here"), job=handed.job)
    other = clone.record("note.written", NoteWritten(text=SAID), job=handed.job, blobs=(PHOTO,))
    onward = clone.record("note.written", NoteWritten(text="and on"), job=handed.job)
    await handed.bo.push(handed.client, one.seq)
    await clone.push(handed.client, other.seq)
    await handed.max.send("/api/devices/device of anna/revoke", {"action": "revokes-anna", "reason": "lost"})
    aside = handed.anna.record("note.written", NoteWritten(text=SAID), job=handed.job)
    misplaced = handed.anna.keep(handed.note.raw)
    assert words(await handed.anna.push(handed.client, aside.seq)) == ["quarantined", "refused"]
    done = await handed.redact(handed.offer, handed.note, other, aside)
    assert {handed.note.hash, other.hash, aside.hash} < set(done["taken"])
    assert handed.row(handed.anna, misplaced)[0] == handed.note.hash.encode()
    await handed.max.send(f"/api/events/{aside.hash}/promote", {"action": "promotes-one"})
    assert (await handed.timeline())[aside.hash]["body"]["text"] == REDACTED
    for author, first in ((handed.anna, aside), (clone, other)):
        reply = await author.push(handed.client, first.seq)
        assert {verdict.duplicate for verdict in reply.verdicts} == {True}
    assert onward.seq == other.seq + 1
    handed.check()
    assert written(handed.here.path) == set()


async def test_a_code_that_is_scanned_later_is_emptied_as_it_comes(handed: Handed) -> None:
    await handed.redact(handed.offer)
    cleo = await handed.here.enrol("cleo")
    late = witnesses(cleo, handed.anna, handed.opened, handed.offer)
    assert words(await cleo.push(handed.client, 2)) == ["applied"]
    assert handed.row(cleo, late)[0] == late.hash.encode()
    handed.check()


# -- what is shown of it ------------------------------------------------------------
async def test_a_proof_and_a_receipt_are_made_of_what_is_left_and_hold(handed: Handed, tmp_path: Path) -> None:
    await handed.redact(handed.offer, handed.taken, handed.opened)
    database = ("--database", str(handed.here.path))
    folder, pdf = tmp_path / "proof", tmp_path / "receipt.pdf"
    assert exports.main(["proof", handed.offer.hash, *database, "--out", str(folder)]) == 0
    assert exports.main(["receipt", handed.offer.hash, *database, "--pdf", str(pdf)]) == 0
    assert pdf.read_bytes().startswith(b"%PDF")
    assert not any(SAID.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    files = read_proof(folder)
    checked = check_proof(files)
    assert checked.ok, checked.findings
    assert (checked.outcome, checked.accountable) == ("accepted", "bo")
    for name, jws in signed(files):
        for library in LIBRARIES:
            assert library(files[jws].decode(), files[name], files["jwks.json"]), name
    manifest = decode(files[MANIFEST], Manifest)
    shown = next(one for one in manifest.events if one.hash == handed.offer.hash)
    assert (shown.jws, bool(shown.redacted)) == ("", True)
    another = next(one.redacted for one in manifest.events if one.redacted not in ("", shown.redacted))
    other = msgspec.structs.replace(shown, redacted=another)
    events = tuple(other if one is shown else one for one in manifest.events)
    forged = encode(msgspec.structs.replace(manifest, events=events))
    files[MANIFEST] = forged
    files[MANIFEST_JWS] = handed.here.intake.door.signer.sign(forged, "ho-doc").encode()
    assert {finding.file for finding in check_proof(files).findings} >= {shown.file}


# -- a backend that lost it ---------------------------------------------------------
class Twice:
    """The backend restored from before anything was redacted, and what devices hold since."""

    def __init__(self, handed: Handed, folder: Path, stack: AsyncExitStack) -> None:
        self.handed = handed
        self.folder = folder
        self.stack = stack

    async def begin(self) -> None:
        make_backup(Settings(database=self.handed.here.path), self.folder / "yesterday", FixedWorld())
        await self.handed.redact(self.handed.offer, self.handed.note)
        path = self.folder / "restored" / "handover.db"
        restore(self.folder / "yesterday", Settings(database=path), FixedWorld(seed=b"restoring"))
        self.redactions, self.genesis = await self.pulled(), await self.pulled(b'"log.opened"')
        self.here = await open_backend(path, self.stack, FixedWorld(seed=b"restored"))
        for author in (self.handed.anna, self.handed.bo):
            await author.sign_in(self.here.client)

    async def pulled(self, kind: bytes = b'"event.redacted"') -> list[PulledEvent]:
        """What bo gets of this kind of the backend that lost nothing."""
        await self.handed.bo.sign_in(self.handed.client)
        lines = await self.handed.bo.pull(self.handed.client, "")
        found = [line for line in lines if isinstance(line, PulledEvent) and kind in line.raw]
        await self.handed.bo.sign_in(self.here.client) if hasattr(self, "here") else None
        return found

    async def give_back(self, lines: list[Any], status: int = 200) -> ReturnReply:
        body = deflate(b"\n".join(write_line(line) for line in lines))
        answer = await self.here.client.post("/v1/sync/return", content=body, headers=self.handed.bo.headers)
        assert answer.status_code == status, answer.text
        return decode(answer.content, ReturnReply)

    def drop(self, author: Author, *events: Recorded) -> None:
        """The device has dropped the bytes of these."""
        for event in events:
            author.events[event.seq - 1] = Recorded(event.seq, event.hash.encode(), event.jws, event.hash)


@pytest.fixture
async def twice(handed: Handed, tmp_path: Path, stack: AsyncExitStack) -> Twice:
    found = Twice(handed, tmp_path, stack)
    await found.begin()
    return found


async def test_a_restored_backend_learns_it_again_and_drops_the_bytes(twice: Twice) -> None:
    handed = twice.handed
    assert "handover.db" in written(twice.here.path)
    # What is given back stands in the order in which it came: hashes before what restates them.
    reply = await twice.give_back([*twice.genesis, *twice.redactions])
    assert reply.problems == ()
    with closing(sqlite3.connect(twice.here.path)) as con:
        held = {raw for (raw,) in con.execute("SELECT bytes FROM event")}
    assert {event.hash.encode() for event in (handed.offer, handed.note, handed.scan)} <= held
    report = verify_database(twice.here.path)
    assert report.ok, report.faults
    assert written(twice.here.path) == set()


@pytest.mark.parametrize("first", ["redactions", "hashes"])
async def test_a_hash_counts_once_what_restates_it_is_here_in_either_order(twice: Twice, first: str) -> None:
    handed, client = twice.handed, twice.here.client
    empty = twice.folder / "empty"
    # A backend that never had the bytes: both logs are new to it but for their first events.
    with closing(sqlite3.connect(twice.here.path, isolation_level=None)) as con:
        assert con.execute("SELECT count(*) FROM event").fetchone()
    more = handed.bo.record("note.written", NoteWritten(text=SAID), job=handed.job)
    await handed.bo.sign_in(handed.client)
    await handed.bo.push(handed.client, more.seq)
    await handed.redact(more)
    pulled = [line for line in await handed.bo.pull(handed.client, "") if isinstance(line, PulledEvent)]
    said = [line for line in pulled if b'"event.redacted"' in line.raw]
    twice.drop(handed.bo, more)
    await handed.bo.sign_in(client)
    if first == "redactions":
        assert (await twice.give_back([*twice.genesis, *said])).problems == ()
        assert words(await handed.bo.push(client, more.seq)) == ["applied"]
    else:
        reply = await handed.bo.push(client, more.seq)
        assert (words(reply), codes(reply)) == (["parked"], ["restatement-missing"])
        assert reply.received_through == more.seq
        assert (await twice.give_back([*twice.genesis, *said])).problems == ()
        assert words(await handed.bo.push(client, more.seq)) == ["applied"]
    report = verify_database(twice.here.path)
    assert report.ok, report.faults
    assert not empty.exists()


async def test_bytes_that_come_after_their_redaction_are_not_kept(twice: Twice) -> None:
    handed, client = twice.handed, twice.here.client
    more = handed.bo.record("note.written", NoteWritten(text=SAID + "!"), job=handed.job)
    await handed.bo.sign_in(handed.client)
    await handed.bo.push(handed.client, more.seq)
    await handed.redact(more)
    pulled = [line for line in await handed.bo.pull(handed.client, "") if isinstance(line, PulledEvent)]
    await handed.bo.sign_in(client)
    await twice.give_back([*twice.genesis, *(line for line in pulled if b'"event.redacted"' in line.raw)])
    assert words(await handed.bo.push(client, more.seq)) == ["applied"]
    with closing(sqlite3.connect(twice.here.path)) as con:
        assert con.execute("SELECT count(*) FROM event WHERE bytes = ?", (more.hash.encode(),)).fetchone() == (1,)
    assert written(twice.here.path, SAID + "!") == set()
    assert verify_database(twice.here.path).ok


async def test_bytes_fill_the_place_of_a_hash_that_nobody_restated(twice: Twice) -> None:
    handed, client = twice.handed, twice.here.client
    more = handed.bo.record("note.written", NoteWritten(text="back again"), job=handed.job, blobs=(PHOTO,))
    twice.drop(handed.bo, more)
    assert codes(await handed.bo.push(client, more.seq)) == ["restatement-missing"]
    handed.bo.events[more.seq - 1] = more
    reply = await handed.bo.push(client, more.seq)
    assert (words(reply), reply.verdicts[0].duplicate) == (["applied"], True)
    report = verify_database(twice.here.path)
    assert report.ok, report.faults


async def test_a_hash_is_given_back_with_its_signature_and_filed_where_what_is_left_says(twice: Twice) -> None:
    handed = twice.handed
    job, opened, offer = offers(handed.anna, "bo", Payload(summary=SAID))
    await handed.anna.sign_in(handed.client)
    await handed.anna.push(handed.client, opened.seq)
    await handed.redact(offer)
    await handed.bo.sign_in(handed.client)
    pulled = [line for line in await handed.bo.pull(handed.client, "") if isinstance(line, PulledEvent)]
    wanted = [line for line in pulled if line.raw in (opened.raw, offer.hash.encode())]
    said = [line for line in pulled if b'"event.redacted"' in line.raw]
    assert len(wanted) == 2
    await handed.bo.sign_in(twice.here.client)
    alone = await twice.give_back([*twice.genesis, *wanted])
    assert [problem.code for problem in alone.problems] == [RESTATEMENT_MISSING.slug]
    forged = PulledEvent(0, 0, offer.hash.encode(), handed.bo.signer.sign(offer.raw, "ho-event"))
    reply = await twice.give_back([forged, *wanted, *said])
    assert [problem.code for problem in reply.problems] == ["bad-signature"]
    assert (await handed.max.get(f"/api/jobs/{job}"))["handovers"]
    with closing(sqlite3.connect(twice.here.path)) as con:
        found = con.execute("SELECT verdict, jws FROM event WHERE bytes = ?", (offer.hash.encode(),)).fetchall()
    assert found == [(0, offer.jws)]


async def test_a_redaction_that_says_otherwise_than_the_bytes_takes_nothing_out(handed: Handed) -> None:
    intake, note = handed.here.intake, handed.note
    text = restated(note.raw).replace(b'"bo"', b'"eve"').decode()
    body = EventRedacted(event=note.hash, restated=text)
    draft = Draft(kind="event.redacted", actor="max", body=body)
    await intake.do(lambda writing: intake.door.office.record(writing, [draft]))
    assert handed.row(handed.bo, note)[0] == note.raw
    assert (await handed.timeline())[note.hash]["actor"] == "bo"
    report = verify_database(handed.here.path)
    assert report.first is not None
    assert report.first.what == "redacted"


async def test_nobody_redacts_a_redaction(handed: Handed) -> None:
    intake = handed.here.intake
    done = await handed.redact(handed.note)
    by = done["taken"][handed.note.hash]

    def again(writing: Writing) -> None:
        sql = "SELECT e.bytes FROM event e JOIN log l ON l.ref = e.log WHERE l.staff AND instr(e.bytes, ?) > 0"
        (raw,) = writing.con.execute(sql, (handed.note.hash.encode(),)).fetchone()
        body = EventRedacted(event=by, restated=raw.decode())
        intake.door.office.record(writing, [Draft(kind="event.redacted", actor="max", body=body)])

    with pytest.raises(Problem) as caught:
        await intake.do(again)
    assert caught.value.kind is NOT_REDACTABLE


# -- what verify finds ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE event SET bytes = CAST('{other}' AS BLOB) WHERE bytes = CAST('{offer}' AS BLOB)", "changed"),
        ("UPDATE redaction SET said = replace(said, 'anna', 'eve')", "redacted"),
        ("DELETE FROM redaction", "redacted"),
        ("UPDATE event SET bytes = CAST('{note}' AS BLOB) WHERE instr(bytes, CAST('{text}' AS BLOB)) > 0", "redacted"),
    ],
)
async def test_a_changed_hash_and_a_text_that_nobody_signed_are_found(handed: Handed, damage: str, what: str) -> None:
    await handed.redact(handed.opened, handed.offer)
    said = damage.format(
        offer=handed.offer.hash, other=b64(bytes(32)), note=handed.note.hash, text=handed.note.hash[:1] and SAID
    )
    with closing(sqlite3.connect(handed.here.path)) as con, con:
        con.execute(said)
    report = verify_database(handed.here.path)
    assert report.first is not None, said
    assert what in {fault.what for fault in report.faults}, report.faults
    assert is_hash(handed.offer.hash.encode())


async def test_bytes_that_were_left_behind_are_found(handed: Handed) -> None:
    await handed.redact(handed.offer)
    with closing(sqlite3.connect(handed.here.path)) as con, con:
        con.execute("UPDATE event SET bytes = ? WHERE bytes = ?", (handed.scan.raw, handed.scan.hash.encode()))
        con.execute("UPDATE event SET bytes = ? WHERE bytes = ?", (handed.offer.raw, handed.offer.hash.encode()))
    details = {fault.detail for fault in verify_database(handed.here.path).faults}
    assert details == {
        "it was redacted, and its bytes are still here",
        "the code that it holds has words that were taken out",
    }
