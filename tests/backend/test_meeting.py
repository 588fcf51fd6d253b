"""A backend that was restored meets its devices: what they show, what they give back, and what follows from it."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient

from backend.app import create_app
from backend.backups import make_backup, restore
from backend.config import Settings
from backend.intake import Intake
from backend.master import PERSON, PersonRow, put
from backend.writing import Writing
from sync.codec import decode, encode
from sync.events import NoteWritten
from sync.ids import job_id
from sync.policy import Limits, Policy, Roster, key_of
from sync.problems import BAD_SIGNATURE, NOT_SIGNED_IN, UNKNOWN_LOG, UNREADABLE
from sync.protocol import (
    ChallengeReply,
    PulledDocument,
    PulledEvent,
    PullLine,
    PushReply,
    Receipt,
    ReturnReply,
    Sealed,
    SessionReply,
    SessionRequest,
    chain_text,
    deflate,
    read_document,
    receipt_text,
    write_line,
)
from sync.seal import Signer, kid_of, typ_in
from tests.backend.conftest import BOUNDARY, PEOPLE, catch_up
from tests.backend.people import Author, FixedWorld, words
from tests.backend.test_pull import opens

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]


@dataclass
class Restored:
    """The backend of yesterday, and what its devices had from the one of today."""

    client: AsyncClient
    intake: Intake
    anna: Author
    bo: Author
    pulled: list[PullLine]
    reply: PushReply
    before: str

    @property
    def epoch(self) -> str:
        return self.intake.door.book.epoch

    async def session(self, author: Author, status: int = 200, **shown: object) -> SessionReply:
        """How a session is opened by a device that shows this."""
        challenge = decode((await self.client.post("/v1/session/challenge")).content, ChallengeReply).challenge
        jws = author.signer.sign(challenge.encode(), "ho-session")
        request = msgspec.structs.replace(SessionRequest(challenge=challenge, jws=jws), **shown)
        answer = await self.client.post("/v1/session", content=encode(request))
        assert answer.status_code == status, answer.text
        if status != 200:
            return SessionReply(token="", expires_s=0)
        found = decode(answer.content, SessionReply)
        author.token = found.token
        return found

    async def give(self, author: Author, *lines: bytes, status: int = 200) -> ReturnReply:
        """The reply to lines given back."""
        body = deflate(b"\n".join(lines))
        answer = await self.client.post("/v1/sync/return", content=body, headers=author.headers)
        assert answer.status_code == status, answer.text
        return decode(answer.content, ReturnReply)

    def lines(self) -> list[bytes]:
        """All that Bo had pulled and can give back."""
        signed = [line for line in self.pulled if isinstance(line, PulledDocument | PulledEvent)]
        return [write_line(line) for line in signed if line.jws]


@asynccontextmanager
async def serving(settings: Settings, world: FixedWorld) -> AsyncIterator[tuple[AsyncClient, Intake]]:
    app = create_app(settings, world)
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    async with app.lifespan(), AsyncClient(transport=transport, base_url="http://backend") as client:
        yield client, app.state.intake


@pytest.fixture
async def restored(
    client: AsyncClient, intake: Intake, enrolled: Enrol, settings: Settings, world: FixedWorld, tmp_path: Path
) -> AsyncIterator[Restored]:
    """After the backup bo enrolled, a policy and the names changed, a person came, and anna and bo worked."""
    anna = await enrolled("anna")
    job, _ = opens(anna, "south")
    await anna.push(client)
    make_backup(settings, tmp_path / "yesterday", world)
    bo = await enrolled("bo")

    def change(writing: Writing) -> None:
        writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at="", limits=Limits(accept=5)))
        put(writing.con, PERSON, "zoe", PersonRow(name="Zoe"), by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(change)
    await catch_up(anna, intake)
    anna.record("note.written", NoteWritten(text="after"), job=job)
    opens(anna, "south")
    reply = await anna.push(client)
    opens(bo, "south")
    await bo.push(client)
    pulled = await bo.pull(client, cursor="")
    elsewhere = msgspec.structs.replace(settings, database=tmp_path / "again" / "handover.db")
    before = intake.door.book.epoch
    other = FixedWorld(seed=b"restored", clock_ms=world.clock_ms)
    restore(tmp_path / "yesterday", elsewhere, other)
    with closing(sqlite3.connect(elsewhere.database)) as con, con:  # as if the file had been put there by hand
        con.execute("UPDATE setting SET value = ? WHERE name = 'epoch'", (before,))
        con.execute("DELETE FROM ended_epoch")
    async with serving(elsewhere, other) as (client_, intake_):
        yield Restored(client_, intake_, anna, bo, pulled, reply, before)


# -- the epoch -------------------------------------------------------------------
async def test_a_receipt_that_is_not_held_ends_its_epoch_when_a_session_is_opened(restored: Restored) -> None:
    nothing = await restored.session(restored.anna)
    assert nothing.epoch == restored.before
    renewed = await restored.session(restored.anna, receipt=restored.reply.receipt)
    assert renewed.epoch != restored.before
    again = await restored.session(restored.anna, receipt=restored.reply.receipt)
    assert again.epoch == renewed.epoch, "once, however often it is shown"


async def test_a_receipt_that_is_not_held_ends_its_epoch_when_it_comes_with_a_push(restored: Restored) -> None:
    anna = restored.anna
    await restored.session(anna)
    anna.receipt = restored.reply.receipt
    reply = await anna.push(restored.client, len(anna.events))
    assert reply.epoch not in ("", restored.before)
    assert decode(reply.receipt.text, Receipt).epoch == reply.epoch
    assert (await restored.session(anna)).epoch == reply.epoch


async def test_a_receipt_that_another_signed_or_of_what_is_held_ends_nothing(restored: Restored) -> None:
    said = decode(restored.reply.receipt.text, Receipt)
    text = restored.reply.receipt.text
    forged = Sealed(text=text, jws=Signer(b"x" * 32).sign(text.encode(), "ho-receipt"))
    held = receipt_text(msgspec.structs.replace(said, received_through=2, head=chain_text(restored.anna.chains[2])))
    true = Sealed(text=held, jws=restored.intake.door.signer.sign(held.encode(), "ho-receipt"))
    typ = Sealed(text=text, jws=restored.intake.door.signer.sign(text.encode(), "ho-doc"))
    for receipt in (forged, true, typ, Sealed(text="{}", jws=forged.jws)):
        assert (await restored.session(restored.anna, receipt=receipt)).epoch == restored.before


async def test_a_session_that_is_not_signed_teaches_nothing(restored: Restored) -> None:
    stranger = Author.named("stranger")
    await restored.session(stranger, 401, receipt=restored.reply.receipt)
    assert restored.epoch == restored.before


async def test_an_old_copy_of_a_database_is_told_before_it_sends_anything(restored: Restored) -> None:
    anna = restored.anna
    assert (await restored.session(anna, log=anna.log, recorded=1)).longer
    assert not (await restored.session(anna, log=anna.log, recorded=2)).longer
    assert not (await restored.session(anna, log=restored.bo.log, recorded=0)).longer


# -- a device that is not known -----------------------------------------------------
def roster_of(restored: Restored) -> Sealed:
    """The roster that bo has, which lists him."""
    lines = [one for one in restored.pulled if isinstance(one, PulledDocument) and b'"doc":"roster"' in one.raw]
    line = max(lines, key=lambda one: read_document(one.raw).version)
    return Sealed(text=line.raw.decode(), jws=line.jws)


async def test_a_device_enrolled_after_the_backup_shows_the_roster_that_lists_it_and_is_listed(
    restored: Restored,
) -> None:
    bo = restored.bo
    await restored.session(bo, 401)
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)
    assert restored.epoch != restored.before
    assert words(await bo.push(restored.client)) == ["applied", "parked"], "made under a roster that is still missing"
    await restored.give(bo, *restored.lines())
    assert words(await bo.push(restored.client)) == ["applied"] * 2
    assert (await restored.session(bo)).token, "it is listed from now on"

    def newest(writing: Writing) -> tuple[int, set[str], set[str]]:
        found = writing.documents.newest("roster")
        assert found is not None
        assert isinstance(found[1], Roster)
        return found[1].version, {kid_of(one.jwk) for one in found[1].devices}, set(found[1].people)

    version, kids, people = await restored.intake.do(newest)
    shown = read_document(roster_of(restored).text.encode())
    assert version > shown.version
    assert {bo.signer.kid, restored.anna.signer.kid} <= kids
    assert people == set(PEOPLE), "of people this backend's own last word counts"


@pytest.mark.parametrize("how", ["forged", "of another kind", "not listing it"])
async def test_a_roster_that_does_not_hold_opens_nothing(how: str, restored: Restored) -> None:
    good = roster_of(restored)
    author = restored.bo
    match how:
        case "forged":
            shown = Sealed(text=good.text, jws=Signer(b"x" * 32).sign(good.text.encode(), "ho-doc"))
        case "of another kind":
            line = next(one for one in restored.pulled if isinstance(one, PulledDocument) and b'"names"' in one.raw)
            shown = Sealed(text=line.raw.decode(), jws=line.jws)
        case _:
            shown, author = good, Author.named("stranger")
    await restored.session(author, 401, roster=shown)


async def test_a_device_that_was_taken_off_a_roster_held_here_stays_off(
    client: AsyncClient, intake: Intake, enrolled: Enrol, settings: Settings
) -> None:
    bo = await enrolled("bo")
    reply = await bo.push(client)
    lines = [one for one in await bo.pull(client, cursor="") if isinstance(one, PulledDocument)]
    line = max((one for one in lines if b'"doc":"roster"' in one.raw), key=lambda one: read_document(one.raw).version)

    def drop(writing: Writing) -> None:
        writing.issue(msgspec.structs.replace(writing.documents.roster_now(), devices=()))

    await intake.do(drop)
    assert settings.database.exists()
    stale = Restored(client, intake, bo, bo, [], reply, "")
    await stale.session(bo, 401, roster=Sealed(text=line.raw.decode(), jws=line.jws))


# -- giving back ----------------------------------------------------------------
async def test_what_had_been_pulled_is_taken_back_once_and_filed_under_its_own_name(restored: Restored) -> None:
    bo, anna = restored.bo, restored.anna
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)
    lines = restored.lines()
    first = await restored.give(bo, *lines)
    assert first.problems == ()
    assert (first.lines, first.epoch) == (len(lines), restored.epoch)
    assert first.taken > 0
    assert (await restored.give(bo, *lines)).taken == 0
    events = {line.raw for line in restored.pulled if isinstance(line, PulledEvent) and line.jws}
    with closing(sqlite3.connect(restored.intake.store.path)) as con:
        held = {raw for (raw,) in con.execute("SELECT bytes FROM event")}
        assert con.execute("SELECT count(*) FROM fork").fetchone() == (0,)
    assert events <= held
    await restored.session(anna)
    reply = await anna.push(restored.client)
    assert (reply.received_through, reply.head) == (len(anna.events), chain_text(anna.chains[-1]))
    assert set(words(reply)) == {"applied"}
    assert not any(verdict.forked for verdict in reply.verdicts)


async def test_documents_that_went_beyond_ours_have_a_successor_above_both(restored: Restored) -> None:
    bo = restored.bo
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)
    documents = [
        read_document(line.raw)
        for line in restored.pulled
        if isinstance(line, PulledDocument) and typ_in(line.jws) == "ho-doc"
    ]
    given = {key_of(document): document for document in sorted(documents, key=lambda one: one.version)}
    await restored.give(bo, *restored.lines())

    def newest(writing: Writing) -> dict[str, object]:
        return {key: found[1] for key in given if (found := writing.documents.newest(key)) is not None}

    now = await restored.intake.do(newest)
    for key, document in given.items():
        assert now[key].version > document.version, key  # type: ignore[attr-defined]  # each has one
    policy = now[f"policy:{BOUNDARY}"]
    assert isinstance(policy, Policy)
    assert policy.limits == Limits(accept=5), "the office's later word"
    assert "zoe" not in now["names"].names  # type: ignore[attr-defined]  # of people our own last word


async def test_two_documents_of_one_version_are_both_kept_and_judged_by(restored: Restored) -> None:
    bo = restored.bo
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)

    def other(writing: Writing) -> None:
        writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at="", limits=Limits(accept=7)))

    await restored.intake.do(other)
    await restored.give(bo, *restored.lines())
    with closing(sqlite3.connect(restored.intake.store.path)) as con:
        rows = con.execute("SELECT version, reference FROM document WHERE key = ?", (f"policy:{BOUNDARY}",)).fetchall()
    versions = [version for version, _ in rows]
    assert len(set(rows)) == len(rows)
    assert sorted(versions) == [1, 2, 2, 3]


async def test_a_bad_line_is_named_and_holds_up_no_other(restored: Restored) -> None:
    bo = restored.bo
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)
    lines = restored.lines()
    event = next(line for line in restored.pulled if isinstance(line, PulledEvent) and line.jws)
    unsigned = write_line(PulledEvent(1, 1, event.raw))
    document = next(line for line in restored.pulled if isinstance(line, PulledDocument))
    forged = write_line(PulledDocument(document.raw, Signer(b"x" * 32).sign(document.raw, "ho-doc")))
    stray = Author.named("stray")
    stray.roster = bo.roster
    _, _ = opens(stray, "south")
    unknown = write_line(PulledEvent(1, 1, stray.events[1].raw, stray.events[1].jws))
    crossed = write_line(PulledEvent(1, 1, restored.anna.events[-1].raw, bo.events[-1].jws))
    bad = [b"nonsense", b"T\tx", unsigned, forged, unknown, crossed]
    reply = await restored.give(bo, *bad, *lines)
    slugs = [one.code for one in reply.problems]
    assert [one.line for one in reply.problems] == [1, 2, 3, 4, 5, 6]
    assert slugs == [
        kind.slug for kind in (UNREADABLE, UNREADABLE, UNREADABLE, BAD_SIGNATURE, UNKNOWN_LOG, BAD_SIGNATURE)
    ]
    assert reply.taken > 0


async def test_only_a_device_with_a_session_gives_back(restored: Restored) -> None:
    answer = await restored.client.post("/v1/sync/return", content=b"", headers=restored.bo.headers)
    assert answer.status_code == 401
    assert NOT_SIGNED_IN.slug in answer.text
    assert job_id(restored.anna.events[1].hash)


async def test_an_event_of_another_branch_that_was_given_back_first_counts_once(restored: Restored) -> None:
    anna, bo = restored.anna, restored.bo
    twin = anna.fork()
    twin.events, twin.chains = anna.events[:2], anna.chains[:3]
    twin.record("note.written", NoteWritten(text="on the clone"), job=job_id(anna.events[1].hash))
    opens(twin, "south")
    later = twin.events[-1]
    await restored.session(bo, roster=roster_of(restored), cursor=bo.cursor)
    await restored.give(bo, *restored.lines(), write_line(PulledEvent(1, 1, later.raw, later.jws)))
    for _ in range(2):
        for author in (anna, twin):
            await restored.session(author)
            await author.push(restored.client, len(author.events))
            await author.push(restored.client)
    with closing(sqlite3.connect(restored.intake.store.path)) as con:
        rows = con.execute("SELECT bytes FROM event UNION ALL SELECT bytes FROM fork").fetchall()
        jobs = con.execute("SELECT job FROM job").fetchall()
    assert len(rows) == len(set(rows)), "no event is held twice"
    assert len(jobs) == len(set(jobs)), "no job is opened twice"
    assert {(event.raw,) for author in (anna, twin) for event in author.events} <= set(rows)
    await restored.give(bo, write_line(PulledEvent(1, 1, later.raw, later.jws)))
