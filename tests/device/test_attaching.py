"""Attaching: told from the bytes, small beside large, durable before the event, deleted only after a receipt."""

import io
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from device.agent import Agent
from device.store import blobs
from device.store.blobs import STRAY_MS, BlobFolder
from sync.acceptance import synthesis_of
from sync.codec import encode
from sync.events import Accepted, ContactReceived
from sync.ids import b64, digest
from sync.problems import (
    BLOB_EMPTY,
    BLOB_GONE,
    BLOB_TOO_LARGE,
    BLOB_TYPE,
    DISK_FULL,
    NO_FILE,
    PHOTO_DISK_FULL,
    QUOTA_FULL,
    SIGNATURE_MISSING,
    Problem,
    ProblemKind,
)
from sync.protocol import BlobReceipt, Sealed
from tests.device.field import PAYLOAD, POINTS, Field, unknown_hash

pytestmark = pytest.mark.anyio


def picture(side: int = 300, form: str = "PNG", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    noise = random.Random(side).randbytes(len(mode) * side * side)
    Image.frombytes(mode, (side, side), noise).save(out, form)
    return out.getvalue()


def kind_of(agent: Agent, raw: bytes) -> ProblemKind:
    with pytest.raises(Problem) as caught:
        agent.attaching.attach(raw, "photo")
    return caught.value.kind


@pytest.fixture
async def field(tmp_path: Path) -> Field:
    field = Field(tmp_path)
    await field.enrol("phone-anna", "phone-bo")
    return field


@pytest.fixture
async def anna(field: Field) -> AsyncIterator[Agent]:
    async with field.open("phone-anna") as agent:
        yield agent


def allow(field: Field, **attachments: object) -> None:
    """What may be attached on anna's phone."""
    (field.folder / "phone-anna" / "settings.json").write_bytes(encode({"attachments": attachments}))


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "RGB"), ("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "RGB"), ("JPEG", "L")]
)
async def test_a_picture_has_a_thumbnail_that_names_it_and_is_durable_before_any_event(
    anna: Agent, field: Field, form: str, mode: str
) -> None:
    raw = picture(400, form, mode)
    original, thumbnail = anna.attaching.attach(raw, "photo")
    assert (original.sha256, original.size, original.what) == (b64(digest(raw)), len(raw), "photo")
    assert (thumbnail.of, thumbnail.type) == (original.sha256, "image/jpeg")
    kept = (anna.holding.directory / "blobs" / thumbnail.sha256).read_bytes()
    assert len(kept) == thumbnail.size <= 40 * 1024
    with Image.open(io.BytesIO(kept)) as small:
        assert max(small.size) <= 480
    assert field.worlds["phone-anna"].points[-1] == "blob-durable"


async def test_where_a_camera_stood_does_not_go_into_the_thumbnail(anna: Agent) -> None:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "in front of the safe"
    Image.frombytes("RGB", (400, 400), random.Random(1).randbytes(480_000)).save(out, "JPEG", exif=exif, quality=95)
    assert b"in front of the safe" in out.getvalue()
    _, thumbnail = anna.attaching.attach(out.getvalue(), "photo")
    assert b"in front of the safe" not in (anna.holding.directory / "blobs" / thumbnail.sha256).read_bytes()


async def test_a_small_picture_and_a_document_need_no_thumbnail_and_a_damaged_picture_goes_as_it_is(
    anna: Agent,
) -> None:
    for raw in (picture(20), b"%PDF-1.7 ...", b"\xff\xd8\xff\xe0" + random.Random(2).randbytes(90_000)):
        (blob,) = anna.attaching.attach(raw, "document")
        assert blob.size == len(raw)


async def test_what_is_not_taken_is_named_and_nothing_is_kept(field: Field) -> None:
    allow(field, most_bytes=100_000)
    async with field.open("phone-anna") as anna:
        assert kind_of(anna, b"") is BLOB_EMPTY
        assert kind_of(anna, b"MZ\x90\x00\x03") is BLOB_TYPE
        assert kind_of(anna, picture()) is BLOB_TOO_LARGE
        with pytest.raises(Problem) as caught:
            anna.attaching.attach_file(field.folder / "nothing.png", "photo")
        assert caught.value.kind is NO_FILE
        assert not (anna.holding.directory / "blobs").exists()


async def test_a_full_disk_stops_photos_first_and_events_go_on(field: Field) -> None:
    allow(field, reserve_bytes=2**60)
    async with field.open("phone-anna") as anna:
        assert kind_of(anna, picture()) is PHOTO_DISK_FULL
        job = await anna.jobs.open("anna", site="site-1")
        assert (await anna.jobs.note("anna", job, "no photo, the disk is full")).seq == 3


async def test_attachments_have_a_quota_and_events_have_none(field: Field) -> None:
    allow(field, quota_bytes=400_000)
    async with field.open("phone-anna") as anna:
        job = await anna.jobs.open("anna", site="site-1")
        await anna.jobs.note("anna", job, "one fits", blobs=anna.attaching.attach(picture(), "photo"))
        assert kind_of(anna, picture(301)) is QUOTA_FULL
        assert (await anna.jobs.note("anna", job, "and no other")).seq == 4


async def test_a_folder_that_cannot_be_written_is_a_full_disk(anna: Agent) -> None:
    (anna.holding.directory / "blobs").write_bytes(b"no folder")
    assert kind_of(anna, picture()) is DISK_FULL


async def test_an_attachment_is_to_be_sent_from_the_moment_its_event_is_recorded(anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    attached = anna.attaching.attach(picture(), "photo")
    assert (await anna.status()).attached.blobs == 0
    await anna.jobs.note("anna", job, "see", blobs=attached)
    assert (await anna.status()).attached.blobs == 2
    event = anna.holding.journey(job).timeline[-1]
    assert event.blobs == attached


async def test_a_transcript_is_named_by_the_contact_it_is_of(anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    attached = anna.attaching.attach(b"Caller: the pump is dry.\n", "transcript")
    recorded = await anna.jobs.contact("anna", job, "phone", blobs=attached)
    body = anna.holding.event(recorded.hash).body
    assert isinstance(body, ContactReceived)
    assert body.transcript == attached[0].sha256


# -- a guest signs --------------------------------------------------------------
async def test_a_guest_draws_a_signature_that_goes_with_the_acceptance(anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    signed = anna.attaching.attach(picture(30), "signature")
    offer = await anna.offering.offer("anna", job, PAYLOAD, [], signed)
    assert anna.holding.event(offer.event).blobs[0].what == "signature"
    seen = await anna.accepting.look("anna", offer.event)
    said = synthesis_of("I see", POINTS, seen.choices, seen.content.payload)
    with pytest.raises(Problem) as caught:
        await anna.accepting.accept("anna", seen, said, blobs=anna.attaching.attach(picture(31), "photo"))
    assert caught.value.kind is SIGNATURE_MISSING
    drawn = anna.attaching.attach(picture(32), "signature")
    accepted = anna.holding.event((await anna.accepting.accept("anna", seen, said, blobs=drawn)).event)
    assert isinstance(accepted.body, Accepted)
    assert (accepted.body.met, accepted.body.signed_name, accepted.blobs) == ("guest", "", drawn)


# -- deleted --------------------------------------------------------------------
async def received(agent: Agent, name: str, size: int, epoch: str = "e1") -> None:
    """A receipt of this epoch covers the blob, since the world's now."""
    receipt, now_ms = BlobReceipt(epoch=epoch, sha256=name, size=size), agent.holding.world.now_ms()
    sealed = Sealed(text="", jws="")
    await agent.holding.store.writing(lambda con: blobs.keep_receipt(con, receipt, sealed, now_ms))


async def dropped(agent: Agent, *asked: str, epoch: str = "e1", keep_ms: int = 0) -> int:
    """How many attachments are kept after what is old enough was marked."""
    now_ms = agent.holding.world.now_ms()
    await agent.holding.store.writing(
        lambda con: blobs.mark_dropped(con, epoch, asked=asked, before_ms=now_ms - keep_ms, now_ms=now_ms)
    )
    return len(await agent.holding.store.reading(lambda con: blobs.kept(con, epoch)))


async def test_bytes_go_only_after_a_receipt_of_this_epoch_and_a_while_and_when_the_backend_says_so_again(
    anna: Agent,
) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    (blob,) = anna.attaching.attach(b"minutes of the meeting", "document")
    await anna.jobs.note("anna", job, "see", blobs=(blob,))
    assert await dropped(anna, blob.sha256) == 1, "no receipt"
    await received(anna, blob.sha256, blob.size, "e0")
    assert await dropped(anna, blob.sha256) == 1, "a receipt of another epoch"
    await received(anna, blob.sha256, blob.size)
    assert await dropped(anna, blob.sha256, keep_ms=1) == 1, "not long enough"
    assert await dropped(anna) == 1, "nobody has just asked: the clock alone deletes nothing"
    assert await dropped(anna, blob.sha256) == 0
    again = anna.attaching.attach(b"minutes of the meeting", "document")
    await anna.jobs.note("anna", job, "once more", blobs=again)
    assert await dropped(anna) == 1, "attached anew it is kept anew"


async def test_only_what_nothing_names_and_is_a_day_old_is_a_stray(anna: Agent) -> None:
    job = await anna.jobs.open("anna", site="site-1")
    folder, now_ms = BlobFolder(anna.holding.directory), anna.holding.world.now_ms()
    kept, stray, fresh = (folder.keep(raw) for raw in (b"kept", b"stray", b"fresh"))
    (blob,) = anna.attaching.attach(b"kept", "document")
    await anna.jobs.note("anna", job, "see", blobs=(blob,))
    for name in (kept, stray):
        old = (now_ms - STRAY_MS - 1) / 1000
        os.utime(anna.holding.directory / "blobs" / name, (old, old))
    os.utime(anna.holding.directory / "blobs" / fresh, (now_ms / 1000, now_ms / 1000))
    names = folder.old(now_ms)
    assert set(names) == {kept, stray}
    assert await anna.holding.store.reading(lambda con: blobs.strays(con, names)) == [stray]


async def test_bytes_that_are_gone_or_changed_are_found(anna: Agent) -> None:
    folder = BlobFolder(anna.holding.directory)
    name = folder.keep(b"evidence")
    assert folder.is_whole(name)
    assert folder.read(name, 2, 3) == b"ide"
    (anna.holding.directory / "blobs" / name).write_bytes(b"evidenCe")
    assert not folder.is_whole(name)
    for missing, size in ((unknown_hash(), 1), (name, 9)):
        with pytest.raises(Problem) as caught:
            folder.read(missing, 0, size)
        assert caught.value.kind is BLOB_GONE
