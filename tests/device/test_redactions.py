"""What a device holds of an event whose words were taken out: its hash, and what the office says is left."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.agent import Agent
from device.codes import read_code
from device.store import blobs, giving, log, pulled, redactions
from device.verify import verify_device
from sync.clock import Moment
from sync.codec import write_event
from sync.events import Draft, EventRedacted
from sync.ids import b64, digest
from sync.payload import REDACTED
from sync.problems import WORDS_GONE, Problem
from sync.protocol import PulledEvent, Receipt, Sealed, chain_text, receipt_text
from sync.redaction import restated
from tests.device.field import MORNING, OFFICE, PAYLOAD, Field

pytestmark = pytest.mark.anyio
SAID = "the widow next door has the key"
BACKENDS = b64(digest(b"the office's log")[:16])


@pytest.fixture
async def field(tmp_path: Path) -> Field:
    found = Field(tmp_path)
    await found.enrol("phone-anna", "phone-bo")
    return found


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


class Told:
    """A note of anna's with a transcript, and the office's word on what is left of it."""

    def __init__(self, anna: Agent) -> None:
        self.anna = anna
        self.seq = 1

    async def begin(self) -> None:
        anna = self.anna
        self.job = await anna.jobs.open("anna", site="site-1", asset="pump-7")
        self.blobs = anna.attaching.attach(SAID.encode() * 9, "transcript")
        self.note = await anna.jobs.note("anna", self.job, SAID, blobs=self.blobs)
        self.said = EventRedacted(event=self.note.hash, restated=restated(self.note.raw).decode())

    def line(self, said: EventRedacted) -> PulledEvent:
        self.seq += 1
        at = Moment(wall=MORNING, mono=0, boot="b")
        raw = write_event(Draft(kind="event.redacted", actor="max", body=said), log=BACKENDS, seq=self.seq, at=at)
        return PulledEvent(self.seq, 0, raw, OFFICE.sign(raw, "ho-event"))

    async def told(self, said: EventRedacted | None = None) -> tuple[str, ...]:
        """The office's word is pulled: the blobs that go with it."""
        said = said or self.said

        def work(con: sqlite3.Connection) -> tuple[str, ...]:
            pulled.keep_event(con, self.line(said))
            return redactions.take_out(con, said)

        return await self.anna.holding.store.writing(work)

    async def receipted(self) -> tuple[str, ...]:
        """All of the log is received: the blobs that go now."""
        row = self.anna.holding.row

        def work(con: sqlite3.Connection) -> tuple[str, ...]:
            seq = log.head(con, row)
            head = chain_text(log.chain_at(con, row, seq) or b"")
            receipt = Receipt(epoch="e1", log=row.log, received_through=seq, head=head)
            text = receipt_text(receipt)
            sealed = Sealed(text=text, jws=OFFICE.sign(text.encode(), "ho-receipt"))
            log.keep_receipt(con, row, receipt, sealed, 0)
            return redactions.take_out_received(con)

        return await self.anna.holding.store.writing(work)

    async def line_of(self, seq: int) -> bytes:
        """What stands in the own log at this place."""
        row = self.anna.holding.row
        lines = await self.anna.holding.store.reading(lambda con: log.lines_between(con, row, seq, seq))
        return lines[0].raw

    async def raw(self) -> bytes:
        return await self.line_of(self.note.seq)

    async def text(self) -> str:
        await self.anna.refresh()
        return str(self.anna.holding.event(self.note.hash).body)


@pytest.fixture
async def told(anna: Agent) -> Told:
    found = Told(anna)
    await found.begin()
    return found


async def test_the_bytes_stay_until_a_receipt_covers_them_and_are_read_as_what_is_left_at_once(told: Told) -> None:
    assert SAID in await told.text()
    assert await told.told() == ()
    assert await told.raw() == told.note.raw
    assert REDACTED in await told.text()
    assert await told.receipted() == (told.blobs[0].sha256,)
    assert await told.raw() == told.note.hash.encode()
    assert REDACTED in await told.text()
    assert await told.receipted() == ()
    assert await told.told() == ()


async def test_what_is_received_goes_at_once_with_the_blobs_that_nothing_else_names(told: Told) -> None:
    await told.anna.jobs.note("anna", told.job, "another", blobs=told.blobs)
    await told.receipted()
    assert await told.told() == (), "another note names the same transcript"
    assert await told.raw() == told.note.hash.encode()
    kept = await told.anna.holding.store.reading(lambda con: blobs.kept(con, "e1"))
    assert [one.sha256 for one in kept] == [told.blobs[0].sha256]


async def test_the_log_verifies_and_can_be_sent_again_as_hashes(told: Told, field: Field) -> None:
    await told.receipted()
    await told.told()
    await told.anna.holding.store.writing(lambda con: log.forget_receipts(con, "e2"))
    report = verify_device(field.folder / "phone-anna")
    assert report.ok, report.faults
    stands = await told.anna.holding.store.reading(lambda con: log.held(con, told.anna.holding.row, "e2"))
    assert stands.waiting == stands.recorded


@pytest.mark.parametrize("damage", ["DELETE FROM redaction", "UPDATE redaction SET said = replace(said, 'anna', 'bo')"])
async def test_a_text_that_the_office_did_not_sign_is_found(told: Told, field: Field, damage: str) -> None:
    await told.receipted()
    await told.told()
    await told.anna.holding.store.writing(lambda con: con.execute(damage).rowcount)
    report = verify_device(field.folder / "phone-anna")
    assert report.first is not None
    assert report.first.what == "redacted"


async def test_a_text_that_is_not_what_is_left_takes_nothing_out(told: Told) -> None:
    await told.receipted()
    wrong = EventRedacted(event=told.note.hash, restated=told.said.restated.replace("anna", "eve"))
    await told.told(wrong)
    assert await told.raw() == told.note.raw
    assert SAID in await told.text()
    await told.told()
    assert REDACTED in await told.text()


async def test_what_was_pulled_goes_and_comes_back_behind_what_restates_it(field: Field, told: Told) -> None:
    async with field.open("phone-bo") as bo:
        other = Told(bo)
        pulled_note = PulledEvent(9, 0, told.note.raw)
        await bo.holding.store.writing(lambda con: pulled.keep_event(con, pulled_note))
        await bo.holding.store.writing(giving.begin)
        other.note, other.said = told.note, told.said
        await other.told()
        rows = await bo.holding.store.reading(lambda con: pulled.events_after(con, 0))
        assert [row.raw == told.note.hash.encode() for row in rows] == [False, True]
        await bo.holding.store.writing(lambda con: pulled.keep_event(con, pulled_note))
        rows = await bo.holding.store.reading(lambda con: pulled.events_after(con, 0))
        assert [row.raw == told.note.hash.encode() for row in rows] == [False, True]
        part = await bo.holding.store.reading(giving.part)
        assert part is not None
        sql = "SELECT through FROM giving WHERE what = 'pulled'"
        through = await bo.holding.store.reading(lambda con: con.execute(sql).fetchone()[0])
        assert through == rows[-1].arrival


@pytest.mark.parametrize("first", ["redaction", "hash"])
async def test_a_hash_and_what_restates_it_come_in_either_order(field: Field, told: Told, first: str) -> None:
    async with field.open("phone-bo") as bo:
        other = Told(bo)
        other.note, other.said = told.note, told.said
        line = PulledEvent(9, 0, told.note.hash.encode())
        if first == "redaction":
            await other.told()
        await bo.holding.store.writing(lambda con: pulled.keep_event(con, line))
        if first == "hash":
            await bo.refresh()
            assert bo.holding.memory.event(told.note.hash) is None
            await other.told()
        await bo.refresh()
        assert REDACTED in str(bo.holding.event(told.note.hash).body)
        jobs = await bo.holding.store.reading(lambda con: con.execute("SELECT hash, job FROM pulled").fetchall())
        assert (told.note.hash, told.job) in jobs


async def test_no_code_is_shown_of_what_was_redacted_nor_does_one_hold_it(told: Told) -> None:
    job = await told.anna.jobs.open("anna", site="site-1", intent=SAID)
    opened = told.anna.holding.node(job)
    offer = await told.anna.offering.offer("anna", job, PAYLOAD, ["bo"])
    assert len(read_code(offer.texts).frame.events) == 2
    raw = await told.line_of(opened.seq)
    await told.told(EventRedacted(event=opened.hash, restated=restated(raw).decode(), kid=opened.kid))
    await told.anna.refresh()
    shown = await told.anna.codes.show(offer.event)
    assert len(read_code(shown.texts).frame.events) == 1
    await told.receipted()
    assert (await told.anna.status()).held.recorded == 5
    raw = await told.line_of(told.anna.holding.event(offer.event).seq)
    await told.told(EventRedacted(event=offer.event, restated=restated(raw).decode(), kid=opened.kid))
    await told.anna.refresh()
    with pytest.raises(Problem) as caught:
        await told.anna.codes.show(offer.event)
    assert caught.value.kind is WORDS_GONE
