"""Attachments on the backend: taken piece by piece, true receipts, read only in scope, waited for by handovers."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import msgspec
import pytest
from httpx import AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st

from backend.config import Settings
from backend.dossier import find_dossier
from backend.intake import Intake
from backend.store.blobs import BlobFolder
from backend.telling import sheet_of
from backend.words import words as words_of
from sync.codec import decode, encode
from sync.events import Accepted, Blob, JobOpened, NoteWritten, Offered
from sync.ids import b64, digest, job_id
from sync.payload import Payload, Synthesis
from sync.problems import BLOB_MISMATCH, STORE_FULL, Problem
from sync.protocol import BlobHeld, BlobReceipt, BlobsAsked, BlobsReply, Sealed
from sync.seal import verify
from tests.backend.conftest import BOUNDARY
from tests.backend.people import Author, Staff, words

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]

PNG = b"\x89PNG\r\n\x1a\n" + Random(7).randbytes(150_000)
OTHER = b"\xff\xd8\xff\xe0" + Random(8).randbytes(9_000)


def named(raw: bytes, type_: str = "image/png", **more: str) -> Blob:
    return Blob(sha256=b64(digest(raw)), size=len(raw), type=type_, **more)


PHOTO = named(PNG, what="photo")


def note(author: Author, *blobs: Blob, site: str = "north") -> str:
    """The author opens a job and writes a note with these attachments: the job."""
    opened = author.record("job.opened", JobOpened(roster=author.roster, party=author.person, site=site))
    job = job_id(opened.hash)
    author.record("note.written", NoteWritten(text="see the picture"), job=job, blobs=blobs)
    return job


async def put(
    client: AsyncClient, author: Author, raw: bytes, piece: bytes, offset: int, *, check: str = "", size: int = 0
) -> Response:
    query = {"offset": str(offset), "size": str(size or len(raw)), "check": check or b64(digest(piece))}
    headers = {"authorization": author.headers["authorization"]}
    return await client.put(f"/v1/sync/blobs/{b64(digest(raw))}", params=query, content=piece, headers=headers)


async def send(client: AsyncClient, author: Author, raw: bytes, *, chunk: int = 64 * 1024) -> BlobHeld:
    """All of it in chunks: what the last one was answered."""
    said = BlobHeld(sha256=b64(digest(raw)), held=0)
    while said.receipt is None and not said.refused:
        answer = await put(client, author, raw, raw[said.held : said.held + chunk], said.held)
        assert answer.status_code == 200, answer.text
        said = decode(answer.content, BlobHeld)
    return said


async def ask(client: AsyncClient, author: Author, *blobs: bytes) -> tuple[BlobHeld, ...]:
    body = encode(BlobsAsked(blobs=tuple(b64(digest(raw)) for raw in blobs)))
    headers = {"authorization": author.headers["authorization"]}
    answer = await client.post("/v1/sync/blobs", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return decode(answer.content, BlobsReply).blobs


def holds(intake: Intake, sealed: Sealed | None, raw: bytes) -> bool:
    """True where the receipt is the backend's, of its epoch, for these bytes."""
    assert sealed is not None
    verify(sealed.jws, sealed.text.encode(), "ho-receipt", intake.door.signer.jwk)
    receipt = decode(sealed.text, BlobReceipt)
    expected = BlobReceipt(epoch=intake.door.book.epoch, sha256=b64(digest(raw)), size=len(raw))
    return receipt == expected


@pytest.fixture
async def anna(client: AsyncClient, enrolled: Enrol) -> Author:
    """anna, whose pushed note names a photo."""
    author = await enrolled("anna")
    note(author, PHOTO)
    assert words(await author.push(client)) == ["applied"] * 3
    return author


# -- taken --------------------------------------------------------------------
async def test_a_photo_comes_piece_by_piece_and_its_receipt_says_what_was_hashed_again(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    first = decode((await put(client, anna, PNG, PNG[:70_000], 0)).content, BlobHeld)
    assert (first.held, first.receipt) == (70_000, None)
    said = await send(client, anna, PNG)
    assert holds(intake, said.receipt, PNG)
    assert (await ask(client, anna, PNG))[0].held == len(PNG)
    assert (intake.door.settings.blob_folder / PHOTO.sha256[:2] / PHOTO.sha256).read_bytes() == PNG


async def test_a_piece_that_comes_twice_or_too_early_is_told_where_to_go_on(client: AsyncClient, anna: Author) -> None:
    await put(client, anna, PNG, PNG[:1000], 0)
    for offset in (0, 5000):
        answer = await put(client, anna, PNG, PNG[offset : offset + 1000], offset)
        assert decode(answer.content, BlobHeld).held == 1000


async def test_a_piece_damaged_on_its_way_is_not_taken(client: AsyncClient, anna: Author) -> None:
    answer = await put(client, anna, PNG, b"x" * 1000, 0, check=b64(digest(PNG[:1000])))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":blob-mismatch")
    assert (await ask(client, anna, PNG))[0].held == 0


async def test_other_bytes_under_the_name_are_found_when_all_are_there_and_it_begins_anew(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    await put(client, anna, PNG, PNG[:-1000], 0)
    answer = await put(client, anna, PNG, b"x" * 1000, len(PNG) - 1000)
    assert answer.status_code == 422
    assert (await ask(client, anna, PNG))[0].held == 0
    assert holds(intake, (await send(client, anna, PNG)).receipt, PNG)


async def test_all_bytes_and_no_receipt_yet_end_with_an_empty_piece(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    intake.door.blobs.add(anna.signer.kid, PHOTO.sha256, 0, PNG)
    assert (await ask(client, anna, PNG))[0].held == len(PNG)
    said = decode((await put(client, anna, PNG, b"", len(PNG))).content, BlobHeld)
    assert holds(intake, said.receipt, PNG)


async def test_what_no_event_of_the_device_names_is_not_taken(client: AsyncClient, anna: Author) -> None:
    said = await send(client, anna, OTHER)
    assert (said.refused, said.held) == ("blob-unknown", 0)
    assert (await ask(client, anna, OTHER))[0].refused == "blob-unknown"


@pytest.mark.parametrize(("offset", "size"), [(-1, 0), (0, 999), (len(PNG), 0)])
async def test_a_piece_that_does_not_fit_the_event_is_refused(
    client: AsyncClient, anna: Author, offset: int, size: int
) -> None:
    answer = await put(client, anna, PNG, PNG[:10], offset, size=size)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["..%2F..%2Fhandover.db", "x" * 44, "%00", "ab"])
async def test_a_name_that_is_no_digest_leads_nowhere(client: AsyncClient, anna: Author, name: str) -> None:
    headers = {"authorization": anna.headers["authorization"]}
    answer = await client.get(f"/v1/sync/blobs/{name}", headers=headers)
    assert answer.status_code == 404


class TestLimits:
    """What a deployment sets."""

    @pytest.fixture(params=[{"blob_types": ("image/jpeg",)}, {"blob_most_bytes": 1000}, {"blob_quota_bytes": 1000}])
    def settings(self, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
        return Settings(database=tmp_path / "handover.db", escalate_every_s=0, **request.param)

    async def test_a_photo_beyond_them_is_refused_by_name_and_an_event_is_taken(
        self, client: AsyncClient, anna: Author
    ) -> None:
        said = await send(client, anna, PNG)
        assert said.refused in ("blob-type", "blob-too-large", "quota-full")
        note(anna)
        assert words(await anna.push(client, 4)) == ["applied"] * 2


class TestFullDisk:
    """The disk has less room left than is kept for events."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        return Settings(database=tmp_path / "handover.db", escalate_every_s=0, blob_reserve_bytes=2**60)

    async def test_photos_stop_first_and_events_go_on(self, client: AsyncClient, anna: Author) -> None:
        assert (await send(client, anna, PNG)).refused == STORE_FULL.slug
        note(anna)
        assert words(await anna.push(client, 4)) == ["applied"] * 2


async def test_a_push_says_which_of_its_blobs_are_here(client: AsyncClient, intake: Intake, anna: Author) -> None:
    assert (await anna.push(client)).blob_receipts == ()
    await send(client, anna, PNG)
    (receipt,) = (await anna.push(client)).blob_receipts
    assert holds(intake, receipt, PNG)


async def test_no_receipt_is_given_for_what_is_gone_from_the_store(
    client: AsyncClient, intake: Intake, anna: Author
) -> None:
    await send(client, anna, PNG)
    intake.door.blobs.drop(PHOTO.sha256)
    assert (await anna.push(client)).blob_receipts == ()
    (said,) = await ask(client, anna, PNG)
    assert (said.held, said.receipt) == (0, None)
    assert holds(intake, (await send(client, anna, PNG)).receipt, PNG)


# -- read ---------------------------------------------------------------------
async def test_an_attachment_is_read_in_scope_and_is_unknown_outside_it(
    client: AsyncClient, anna: Author, enrolled: Enrol, staff: SignIn
) -> None:
    await send(client, anna, PNG)
    await anna.sign_in(client)
    bo = await enrolled("bo")
    at = f"/v1/sync/blobs/{PHOTO.sha256}"
    assert (await client.get(at, headers={"authorization": anna.headers["authorization"]})).status_code == 200
    outside = {"authorization": bo.headers["authorization"]}
    answer = await client.get(at, headers=outside)
    unknown = await client.get(f"/v1/sync/blobs/{named(OTHER).sha256}", headers=outside)
    assert answer.status_code == unknown.status_code == 404
    assert (answer.json()["type"], answer.json()["title"]) == (unknown.json()["type"], unknown.json()["title"])
    for person, status in (("nick", 200), ("dora", 200), ("bo", 404)):
        headers = (await staff(person)).headers
        assert (await client.get(f"/api/blobs/{PHOTO.sha256}", headers=headers)).status_code == status


async def test_an_attachment_leaves_as_a_download_and_is_never_a_page(
    client: AsyncClient, anna: Author, staff: SignIn
) -> None:
    page = b"<html><script>alert(1)</script></html>"
    note(anna, named(page, "image/png"))
    await anna.push(client)
    await send(client, anna, page)
    await send(client, anna, PNG)
    dora = await staff("dora")
    for raw, type_ in ((page, "application/octet-stream"), (PNG, "image/png")):
        answer = await client.get(f"/api/blobs/{named(raw).sha256}", headers=dora.headers)
        assert answer.content == raw
        assert answer.headers["content-type"] == type_
        assert answer.headers["content-disposition"] == "attachment"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_download_goes_on_from_a_byte(client: AsyncClient, anna: Author) -> None:
    await send(client, anna, PNG)
    headers = {"authorization": anna.headers["authorization"]}
    at = f"/v1/sync/blobs/{PHOTO.sha256}"
    assert (await client.get(at, params={"from": "100000"}, headers=headers)).content == PNG[100_000:]
    assert (await client.get(at, params={"from": str(len(PNG) + 1)}, headers=headers)).status_code == 400


async def test_to_name_what_somebody_else_sent_is_no_right_to_read_it(
    client: AsyncClient, anna: Author, enrolled: Enrol
) -> None:
    await send(client, anna, PNG)
    bo = await enrolled("bo")
    note(bo, PHOTO, site="south")
    await bo.push(client)
    headers = {"authorization": bo.headers["authorization"]}
    at = f"/v1/sync/blobs/{PHOTO.sha256}"
    assert (await client.get(at, headers=headers)).status_code == 404
    assert (await ask(client, bo, PNG))[0].held == 0, "its bytes have to come from bo, too"
    await send(client, bo, PNG)
    assert (await client.get(at, headers=headers)).status_code == 200


# -- waited for ---------------------------------------------------------------
async def test_a_handover_waits_for_its_evidence_and_is_complete_once_it_is_here(
    client: AsyncClient, intake: Intake, enrolled: Enrol, staff: SignIn
) -> None:
    anna, cleo, dora = await enrolled("anna"), await enrolled("cleo"), await staff("dora")
    opened = anna.record("job.opened", JobOpened(roster=anna.roster, party="anna", site="north"))
    offer = Offered(
        roster=anna.roster,
        basis=opened.hash,
        sender="anna",
        to=("cleo",),
        boundary=BOUNDARY,
        policy=anna.policies[BOUNDARY],
        payload=Payload(),
    )
    thumbnail = named(OTHER, "image/jpeg", of=PHOTO.sha256)
    offered = anna.record("handover.offered", offer, job=job_id(opened.hash), blobs=(PHOTO, thumbnail))
    answer = Accepted(
        roster=cleo.roster, offer=offered.hash, party="cleo", synthesis=Synthesis(words="ok"), met="remote"
    )
    cleo.record("handover.accepted", answer, job=job_id(opened.hash))
    assert words(await anna.push(client, 2)) == ["applied"] * 2
    assert words(await cleo.push(client, 2)) == ["applied"]

    async def stands() -> tuple[bool, list[str], int]:
        view = await dora.get(f"/api/jobs/{job_id(opened.hash)}")
        (one,) = view["handovers"]
        return one.get("complete", False), one.get("waits_for", []), view["job"].get("blobs_awaited", 0)

    async def receipt() -> str:
        """The receipt of the handover in words."""
        dossier = await intake.store.reading(lambda con: find_dossier(con, offered.hash))
        sheet = sheet_of(dossier, words_of("en"), dossier.known_ms)
        return "\n".join(f"{row.label}: {text}" for part in sheet.sections for row in part.rows for text in row.texts)

    assert await stands() == (False, [PHOTO.sha256, thumbnail.sha256], 2)
    assert "Photo: not here yet: the handover is not complete without it" in await receipt()
    await send(client, anna, OTHER)
    assert await stands() == (False, [PHOTO.sha256], 1)
    await send(client, anna, PNG)
    assert await stands() == (True, [], 0)
    assert "Photo: held by the office" in await receipt()
    assert f"SHA-256 {PHOTO.sha256}" in await receipt()


# -- the folder ---------------------------------------------------------------
@given(
    raw=st.binary(min_size=1, max_size=3_000),
    tries=st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 800)), max_size=40),
)
def test_whatever_pieces_come_in_whatever_order_the_whole_is_what_was_named(
    raw: bytes, tries: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = BlobFolder(tmp_path_factory.mktemp("blobs"))
    name, held = b64(digest(raw)), 0
    for offset, size in tries:
        # Often where it goes on, now and then anywhere.
        at = held if offset % 3 else min(offset, len(raw))
        now = folder.add("k" * 11, name, at, raw[at : at + size])
        assert now == (at + len(raw[at : at + size]) if at == held else held)
        held = now
        # A process that died is followed by one that knows only the folder.
        folder = BlobFolder(folder._folder)
        assert folder.part("k" * 11, name) == held
    folder.add("k" * 11, name, held, raw[held:])
    assert folder.finish("k" * 11, name) == len(raw)
    assert folder.read(name, 0, len(raw)) == raw
    assert [*folder.names()] == [name]
    assert folder.unfinished("k" * 11) == 0


def test_a_part_that_a_crash_of_the_machine_damaged_is_found_and_dropped(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path / "blobs")
    name = b64(digest(PNG))
    folder.add("k" * 11, name, 0, PNG[:-10] + bytes(10))
    with pytest.raises(Problem) as caught:
        folder.finish("k" * 11, name)
    assert caught.value.kind is BLOB_MISMATCH
    assert folder.part("k" * 11, name) == 0
    assert folder.size(name) is None


def test_a_folder_that_cannot_be_written_is_a_full_store(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"no folder")
    with pytest.raises(Problem) as caught:
        BlobFolder(tmp_path / "blobs").add("k" * 11, b64(digest(PNG)), 0, PNG)
    assert caught.value.kind is STORE_FULL


async def test_rows_of_another_day_than_the_store_are_put_right_at_the_start(
    client: AsyncClient, intake: Intake, anna: Author, staff: SignIn
) -> None:
    await send(client, anna, PNG)
    intake.door.blobs.drop(PHOTO.sha256)
    app = client._transport.app  # type: ignore[attr-defined]  # httpx keeps it there
    await app.state.blobs.match()
    jobs = (await (await staff("dora")).get("/api/jobs"))["jobs"]
    assert [msgspec.json.decode(msgspec.json.encode(job)).get("blobs_awaited") for job in jobs] == [1]
