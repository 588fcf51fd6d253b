"""Blobs on their way: whatever gets lost, thumbnails first, each byte there in the end, nothing believed unsigned."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.blobs import (
    LEAST_CHUNK,
    LONGEST_WAIT_MS,
    MOST_SETBACKS,
    RECHECK_MS,
    REFUSED_MS,
    TYPES,
    UNKNOWN_TYPE,
    AskBlobs,
    BlobEffect,
    Exchange,
    ForgetBlobReceipt,
    Kept,
    SendChunk,
    StoreBlobReceipt,
    TellBlob,
    answered,
    begun,
    failed,
    given_up,
    next_step,
    sent,
    type_of,
)
from sync.codec import encode
from sync.ids import b64, digest
from sync.problems import BAD_SIGNATURE, NO_PROGRESS, UNREADABLE, Problem
from sync.protocol import MOST_ASKED, MOST_CHUNK, BlobHeld, BlobReceipt, BlobsReply, Sealed
from sync.seal import Signer

OFFICE = Signer(b"office".ljust(32, b"."))
STRANGER = Signer(b"stranger".ljust(32, b"."))
KEYS = (OFFICE.jwk,)


def name(text: str) -> str:
    return b64(digest(text.encode()))


PHOTO = Kept(name("photo"), 150_000)
SMALL = Kept(name("thumbnail"), 9_000, is_thumbnail=True)


def sealed(kept: Kept, epoch: str = "e1", signer: Signer = OFFICE, size: int | None = None) -> Sealed:
    text = encode(BlobReceipt(epoch=epoch, sha256=kept.sha256, size=kept.size if size is None else size)).decode()
    return Sealed(text=text, jws=signer.sign(text.encode(), "ho-receipt"))


def told(kept: Kept, held: int = 0, **more: object) -> BlobsReply:
    return BlobsReply(blobs=(msgspec.convert({"sha256": kept.sha256, "held": held, **more}, BlobHeld),))


def receipted(kept: Kept, **how: object) -> BlobsReply:
    receipt = sealed(kept, **how)  # type: ignore[arg-type]  # as `sealed` takes them
    return BlobsReply(blobs=(BlobHeld(sha256=kept.sha256, held=kept.size, receipt=receipt),))


def asked(*blobs: Kept) -> Exchange:
    """All of these were asked about, and none of them is held."""
    reply = BlobsReply(blobs=tuple(BlobHeld(sha256=one.sha256, held=0) for one in blobs))
    return answered(Exchange(), reply, blobs, "e1", KEYS)[0]


class Backend:
    """Takes chunks as a backend does; `holds` are the bytes of each blob, whole ones get a receipt."""

    def __init__(self, blobs: Sequence[Kept]) -> None:
        self.sizes = {one.sha256: one for one in blobs}
        self.holds: dict[str, int] = {}
        self.order: list[str] = []

    def said(self, sha256: str) -> BlobHeld:
        held, kept = self.holds.get(sha256, 0), self.sizes[sha256]
        return BlobHeld(sha256=sha256, held=held, receipt=sealed(kept) if held == kept.size else None)

    def take(self, step: SendChunk, upto: int) -> None:
        """The chunk, or as much of it as arrived: a chunk that was cut is not taken at all."""
        if upto == step.size and step.offset == self.holds.get(step.sha256, 0):
            self.holds[step.sha256] = step.offset + step.size
            if self.holds[step.sha256] == self.sizes[step.sha256].size:
                self.order.append(step.sha256)


MISHAPS = st.sampled_from(["well", "well", "well", "request lost", "reply lost", "cut", "restored", "restarted"])


class Way:
    """A device's exchange with a backend over a line on which things happen."""

    def __init__(self, blobs: Sequence[Kept], chance: float) -> None:
        self.blobs = blobs
        self.backend = Backend(blobs)
        self.exchange = Exchange()
        self.received: set[str] = set()
        self.chance = chance
        self.now_ms = 0

    def kept(self) -> list[Kept]:
        return [msgspec.structs.replace(one, received=one.sha256 in self.received) for one in self.blobs]

    def go(self, mishap: str) -> bool:
        """One step with this mishap; false where there is nothing to do."""
        step = next_step(self.exchange, self.kept(), self.now_ms)
        if step is None:
            self.exchange = begun(self.exchange, self.now_ms, at_once=True)
            return False
        if isinstance(step, int):
            self.now_ms += step
        elif mishap == "restored":
            self.backend.holds.clear()
        elif mishap == "restarted":
            self.exchange = Exchange(began_ms=self.now_ms)
        else:
            self._send(step, mishap)
        return True

    def _send(self, step: AskBlobs | SendChunk, mishap: str) -> None:
        if mishap != "request lost" and isinstance(step, SendChunk):
            self.backend.take(step, step.size // 2 if mishap == "cut" else step.size)
        if mishap != "well":
            self.exchange = failed(self.exchange, "no-connection", self.now_ms, self.chance)
            return
        if isinstance(step, AskBlobs):
            reply = BlobsReply(blobs=tuple(self.backend.said(one) for one in step.blobs))
            self.exchange, effects = answered(self.exchange, reply, self.kept(), "e1", KEYS)
        else:
            said = self.backend.said(step.sha256)
            one = next(one for one in self.kept() if one.sha256 == step.sha256)
            self.exchange, effects = sent(self.exchange, step, said, one, "e1", KEYS)
        for effect in effects:
            self._apply(effect)

    def _apply(self, effect: BlobEffect) -> None:
        match effect:
            case StoreBlobReceipt(receipt):
                assert self.backend.holds[receipt.sha256] == receipt.size, "a receipt is true"
                self.received.add(receipt.sha256)
            case ForgetBlobReceipt(sha256):
                self.received.discard(sha256)
            case TellBlob():
                pytest.fail("nothing here is refused")


@given(
    sizes=st.lists(st.tuples(st.integers(1, 400_000), st.booleans()), min_size=1, max_size=6),
    mishaps=st.lists(MISHAPS, max_size=60),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_whatever_is_lost_on_the_way_every_byte_is_there_in_the_end(
    sizes: list[tuple[int, bool]], mishaps: list[str], chance: float
) -> None:
    way = Way([Kept(name(str(at)), size, is_thumbnail=small) for at, (size, small) in enumerate(sizes)], chance)
    for mishap in mishaps:
        way.go(mishap)
    way.exchange = begun(way.exchange, way.now_ms, at_once=True)
    steps = 0
    while way.go("well"):
        steps += 1
        assert steps < 1_000, "it moves in a circle"
    assert way.received == {one.sha256 for one in way.blobs}
    assert way.backend.holds == {one.sha256: one.size for one in way.blobs}


@given(sizes=st.lists(st.tuples(st.integers(1, 100_000), st.booleans()), min_size=1, max_size=8))
def test_every_thumbnail_is_there_before_the_first_original(sizes: list[tuple[int, bool]]) -> None:
    blobs = [Kept(name(str(at)), size, is_thumbnail=small) for at, (size, small) in enumerate(sizes)]
    backend, exchange, received = Backend(blobs), asked(*blobs), set[str]()
    while True:
        kept = [msgspec.structs.replace(one, received=one.sha256 in received) for one in blobs]
        step = next_step(exchange, kept, 0)
        if step is None:
            break
        assert isinstance(step, SendChunk)
        backend.take(step, step.size)
        one = next(one for one in kept if one.sha256 == step.sha256)
        exchange, effects = sent(exchange, step, backend.said(step.sha256), one, "e1", KEYS)
        received |= {effect.receipt.sha256 for effect in effects if isinstance(effect, StoreBlobReceipt)}
    small = [one.sha256 for one in blobs if one.is_thumbnail]
    assert backend.order == [*small, *(one.sha256 for one in blobs if not one.is_thumbnail)]


def test_a_question_is_about_no_more_than_fit_into_one() -> None:
    many = [Kept(name(str(at)), 1) for at in range(MOST_ASKED + 1)]
    first = next_step(Exchange(), many, 0)
    assert isinstance(first, AskBlobs)
    assert len(first.blobs) == MOST_ASKED


def test_what_the_backend_no_longer_holds_is_sent_again() -> None:
    had = msgspec.structs.replace(PHOTO, received=True)
    exchange, effects = answered(Exchange(), told(had), (had,), "e1", KEYS)
    assert effects == (ForgetBlobReceipt(PHOTO.sha256),)
    assert next_step(exchange, (PHOTO,), 0) == SendChunk(PHOTO.sha256, 0, 64 * 1024)


def test_a_receipt_of_another_epoch_is_not_believed_and_not_asked_for_at_once() -> None:
    exchange, effects = answered(Exchange(), receipted(PHOTO, epoch="e0"), (PHOTO,), "e1", KEYS)
    assert effects == ()
    assert next_step(exchange, (PHOTO,), 0) is None


def test_a_receipt_by_a_key_that_is_not_known_yet_waits_for_the_roster_that_lists_it() -> None:
    _, effects = answered(Exchange(), receipted(PHOTO, signer=STRANGER), (PHOTO,), "e1", KEYS)
    assert effects == ()


def test_a_receipt_for_other_bytes_is_unreadable() -> None:
    with pytest.raises(Problem) as caught:
        answered(Exchange(), receipted(PHOTO, size=1), (PHOTO,), "e1", KEYS)
    assert caught.value.kind is UNREADABLE


def test_a_receipt_that_nobody_signed_is_refused() -> None:
    good = sealed(PHOTO)
    forged = Sealed(text=good.text, jws=OFFICE.sign(b"something else", "ho-receipt"))
    with pytest.raises(Problem) as caught:
        answered(
            Exchange(),
            BlobsReply(blobs=(BlobHeld(sha256=PHOTO.sha256, held=1, receipt=forged),)),
            (PHOTO,),
            "e1",
            KEYS,
        )
    assert caught.value.kind is BAD_SIGNATURE


def test_a_log_s_signature_does_not_pass_for_a_blob_s_receipt() -> None:
    text = sealed(PHOTO).text
    wrong = Sealed(text=text, jws=OFFICE.sign(text.encode(), "ho-doc"))
    with pytest.raises(Problem) as caught:
        answered(
            Exchange(), BlobsReply(blobs=(BlobHeld(sha256=PHOTO.sha256, held=1, receipt=wrong),)), (PHOTO,), "e1", KEYS
        )
    assert caught.value.kind is BAD_SIGNATURE


def test_a_blob_that_is_refused_is_told_and_holds_up_no_other() -> None:
    exchange, effects = answered(asked(PHOTO, SMALL), told(SMALL, refused="blob-type"), (PHOTO, SMALL), "e1", KEYS)
    assert effects == (TellBlob(SMALL.sha256, "blob-type"),)
    step = next_step(exchange, (PHOTO, SMALL), 0)
    assert isinstance(step, SendChunk)
    assert step.sha256 == PHOTO.sha256
    assert next_step(given_up(exchange, PHOTO.sha256), (PHOTO, SMALL), 0) is None


def test_what_was_not_asked_about_is_not_believed() -> None:
    exchange, effects = answered(Exchange(), told(PHOTO, 5), (), "e1", KEYS)
    assert effects == ()
    assert exchange.held == {}


def test_an_answer_about_another_blob_is_unreadable() -> None:
    step = SendChunk(PHOTO.sha256, 0, 10)
    with pytest.raises(Problem) as caught:
        sent(asked(PHOTO), step, BlobHeld(sha256=SMALL.sha256, held=10), PHOTO, "e1", KEYS)
    assert caught.value.kind is UNREADABLE


def test_a_backend_that_takes_chunks_and_holds_nothing_more_is_left_alone_after_some_tries() -> None:
    exchange = asked(PHOTO)
    effects: tuple[BlobEffect, ...] = ()
    for _ in range(MOST_SETBACKS):
        step = next_step(exchange, (PHOTO,), 0)
        assert isinstance(step, SendChunk)
        exchange, effects = sent(exchange, step, BlobHeld(sha256=PHOTO.sha256, held=0), PHOTO, "e1", KEYS)
    assert effects == (TellBlob(PHOTO.sha256, NO_PROGRESS.slug),)
    assert next_step(exchange, (PHOTO,), 0) is None


def test_chunks_grow_while_they_get_through_and_shrink_when_they_do_not() -> None:
    big = Kept(name("big"), 10 * MOST_CHUNK)
    exchange, held = asked(big), 0
    sizes = []
    for _ in range(4):
        step = next_step(exchange, (big,), 0)
        assert isinstance(step, SendChunk)
        held += step.size
        sizes.append(step.size)
        exchange, _ = sent(exchange, step, BlobHeld(sha256=big.sha256, held=held), big, "e1", KEYS)
    assert sizes == [64 * 1024, 128 * 1024, MOST_CHUNK, MOST_CHUNK]
    for _ in range(9):
        exchange = failed(exchange, "no-connection", 0, 0.5)
    assert exchange.chunk == LEAST_CHUNK


def test_the_timer_waits_no_longer_than_five_minutes_and_holds_nothing_up_that_is_received() -> None:
    exchange = Exchange()
    for _ in range(30):
        exchange = failed(exchange, "no-connection", 1_000, 0.999999, asked_ms=10**9)
    wait = next_step(exchange, (PHOTO,), 1_000)
    assert wait == LONGEST_WAIT_MS
    assert next_step(exchange, (PHOTO,), 1_000 + LONGEST_WAIT_MS) == AskBlobs((PHOTO.sha256,))
    had = msgspec.structs.replace(PHOTO, received=True)
    assert next_step(exchange, (had,), 1_000) == AskBlobs((PHOTO.sha256,)), "a question is small"


def test_it_is_asked_again_when_somebody_asks_when_an_hour_is_over_and_sooner_about_what_was_refused() -> None:
    well = asked(PHOTO)
    assert begun(well, 5, at_once=False) == well
    assert begun(well, 5, at_once=True).asked == frozenset()
    assert begun(well, RECHECK_MS, at_once=False).asked == frozenset()
    assert begun(given_up(well, PHOTO.sha256), REFUSED_MS, at_once=False).refused == frozenset()


@pytest.mark.parametrize(
    ("raw", "type_"),
    [
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"%PDF-1.7", "application/pdf"),
        ("Grüße\n".encode(), "text/plain"),
        (b"MZ\x90\x00", UNKNOWN_TYPE),
        (b"a\x00b", UNKNOWN_TYPE),
        (b"<svg onload=alert(1)>", "text/plain"),
    ],
)
def test_a_type_is_told_from_the_bytes_and_not_from_a_name(raw: bytes, type_: str) -> None:
    assert type_of(raw) == type_
    assert type_ in (*TYPES, UNKNOWN_TYPE)
