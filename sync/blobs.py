"""The device's half of handing over blobs, with no network in it: what to ask, what to send, what to believe.

Events go first, always: whoever runs this looks for them before each step. Then thumbnails, then originals. A blob
counts as received when a signed receipt of the epoch in force says so, and as nothing else. What the backend will
not take now holds up no other blob.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from sync.codec import decode
from sync.problems import NO_PROGRESS, UNREADABLE, Problem
from sync.protocol import MOST_ASKED, MOST_CHUNK, BlobHeld, BlobReceipt, BlobsReply, Sealed
from sync.seal import Jwk, kid_in, kid_of, verify

MOST_THUMBNAIL: Final = 40 * 1024
"""Bytes of a thumbnail: on a line that carries little, ten of them go before one original."""
FIRST_CHUNK: Final = 64 * 1024
LEAST_CHUNK: Final = 4 * 1024
"""A chunk that does not get through is tried at half the size, one that does is followed by one of twice the size."""
MOST_SETBACKS: Final = 3
"""How often in a row a backend may take a chunk and hold no more than before."""
SHORTEST_WAIT_MS: Final = 1_000
LONGEST_WAIT_MS: Final = 5 * 60_000
"""Full jitter, as for events, on a timer of their own: blobs that do not get through hold up no event."""
RECHECK_MS: Final = 60 * 60_000
"""After so long a backend is asked again about all that is kept: a restored one may hold less."""
REFUSED_MS: Final = 5 * 60_000
"""After so long what it would not take is offered again."""


class Kept(msgspec.Struct, frozen=True):
    """A blob on this device; `received` says that a receipt of the epoch in force covers it."""

    sha256: str
    size: int
    is_thumbnail: bool = False
    received: bool = False


# -- steps --------------------------------------------------------------------
class AskBlobs(msgspec.Struct, frozen=True):
    """Ask how much of these the backend holds."""

    blobs: tuple[str, ...]


class SendChunk(msgspec.Struct, frozen=True):
    """Send `size` bytes of a blob from `offset` on; none where all is there and only the receipt is wanted."""

    sha256: str
    offset: int
    size: int


BlobStep = AskBlobs | SendChunk


# -- effects ------------------------------------------------------------------
class StoreBlobReceipt(msgspec.Struct, frozen=True):
    """Keep this receipt: the blob is received, in its epoch."""

    receipt: BlobReceipt
    sealed: Sealed


class ForgetBlobReceipt(msgspec.Struct, frozen=True):
    """The backend no longer holds this blob: it is to be sent again."""

    sha256: str


class TellBlob(msgspec.Struct, frozen=True):
    """Put before a person that the backend will not take this blob; `slug` says why."""

    sha256: str
    slug: str


BlobEffect = StoreBlobReceipt | ForgetBlobReceipt | TellBlob


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """Where it stands: what was asked about, how much of each the backend holds, what it will not take for now.

    Times are ms of a clock that never goes back.
    """

    began_ms: int = 0
    asked: frozenset[str] = frozenset()
    held: Mapping[str, int] = {}
    stuck: Mapping[str, int] = {}
    refused: frozenset[str] = frozenset()
    chunk: int = FIRST_CHUNK
    failures: int = 0
    retry_at_ms: int | None = None
    trouble: str = ""


def begun(exchange: Exchange, now_ms: int, *, at_once: bool) -> Exchange:
    """The exchange to go on with: a new one where somebody asks for a round, or where it is time to ask again."""
    age_ms = now_ms - exchange.began_ms
    if at_once or age_ms >= RECHECK_MS or (exchange.refused and age_ms >= REFUSED_MS):
        return Exchange(began_ms=now_ms, chunk=exchange.chunk)
    return exchange


def next_step(exchange: Exchange, kept: Iterable[Kept], now_ms: int) -> BlobStep | int | None:
    """What to do now about `kept`, oldest first; None for nothing, a number for nothing during so many ms."""
    blobs = list(kept)
    if exchange.retry_at_ms is not None and now_ms < exchange.retry_at_ms and not all(one.received for one in blobs):
        return exchange.retry_at_ms - now_ms
    unasked = [one.sha256 for one in blobs if one.sha256 not in exchange.asked]
    if unasked:
        return AskBlobs(tuple(unasked[:MOST_ASKED]))
    waiting = [one for one in blobs if not one.received and one.sha256 not in exchange.refused]
    if not waiting:
        return None
    first = min(waiting, key=lambda one: not one.is_thumbnail)
    offset = exchange.held.get(first.sha256, 0)
    return SendChunk(first.sha256, offset, min(exchange.chunk, first.size - offset))


def answered(
    exchange: Exchange, reply: BlobsReply, kept: Iterable[Kept], epoch: str, keys: Collection[Jwk]
) -> tuple[Exchange, tuple[BlobEffect, ...]]:
    """The backend said how much it holds. Raises BAD_SIGNATURE or UNREADABLE for a receipt that is none."""
    here = {one.sha256: one for one in kept}
    effects: list[BlobEffect] = []
    held, refused = dict(exchange.held), set(exchange.refused)
    for said in reply.blobs:
        one = here.get(said.sha256)
        if one is None:
            continue
        if said.receipt is not None:
            receipt = _receipt(said.receipt, one, epoch, keys)
            # One of another epoch, or by a key not known yet, will be asked for again after the next pull.
            effects += [StoreBlobReceipt(receipt, said.receipt)] if receipt is not None else []
            refused |= set() if receipt is not None else {one.sha256}
        elif said.refused:
            refused.add(one.sha256)
            effects.append(TellBlob(one.sha256, said.refused))
        else:
            effects += [ForgetBlobReceipt(one.sha256)] if one.received else []
            held[one.sha256] = min(max(said.held, 0), one.size)
    asked = exchange.asked | {said.sha256 for said in reply.blobs}
    return _well(exchange, asked=asked, held=held, refused=frozenset(refused)), tuple(effects)


def sent(
    exchange: Exchange, step: SendChunk, said: BlobHeld, kept: Kept, epoch: str, keys: Collection[Jwk]
) -> tuple[Exchange, tuple[BlobEffect, ...]]:
    """A chunk was answered. One that moved nothing is sent again a few times; then that blob rests."""
    if said.sha256 != step.sha256:
        raise Problem(UNREADABLE, "the answer is about another blob", step.sha256)
    exchange, effects = answered(exchange, BlobsReply(blobs=(said,)), (kept,), epoch, keys)
    moved = said.receipt is not None or said.refused != "" or said.held > step.offset
    if moved:
        stuck = {name: times for name, times in exchange.stuck.items() if name != step.sha256}
        chunk = min(MOST_CHUNK, exchange.chunk * 2) if step.size == exchange.chunk else exchange.chunk
        return msgspec.structs.replace(exchange, stuck=stuck, chunk=chunk), effects
    times = exchange.stuck.get(step.sha256, 0) + 1
    if times < MOST_SETBACKS:
        return msgspec.structs.replace(exchange, stuck={**exchange.stuck, step.sha256: times}), effects
    return given_up(exchange, step.sha256), (*effects, TellBlob(step.sha256, NO_PROGRESS.slug))


def given_up(exchange: Exchange, sha256: str) -> Exchange:
    """Nothing more is sent of this blob until the exchange begins anew; the others go on."""
    return msgspec.structs.replace(exchange, refused=exchange.refused | {sha256})


def failed(exchange: Exchange, trouble: str, now_ms: int, chance: float, asked_ms: int = 0) -> Exchange:
    """No answer, or none that can be read: the timer runs, then it is asked first how much had arrived."""
    widest = min(LONGEST_WAIT_MS, SHORTEST_WAIT_MS * 2 ** (min(exchange.failures, 20) + 1))
    wait_ms = SHORTEST_WAIT_MS + int(chance * (widest - SHORTEST_WAIT_MS))
    return msgspec.structs.replace(
        exchange,
        asked=frozenset(),
        chunk=max(LEAST_CHUNK, exchange.chunk // 2),
        failures=exchange.failures + 1,
        retry_at_ms=now_ms + max(wait_ms, min(asked_ms, LONGEST_WAIT_MS)),
        trouble=trouble,
    )


def _well(exchange: Exchange, *, asked: frozenset[str], held: Mapping[str, int], refused: frozenset[str]) -> Exchange:
    return msgspec.structs.replace(
        exchange, asked=asked, held=held, refused=refused, failures=0, retry_at_ms=None, trouble=""
    )


def _receipt(sealed: Sealed, kept: Kept, epoch: str, keys: Collection[Jwk]) -> BlobReceipt | None:
    """What a receipt says, if it is one of this epoch for this blob; None where its key or epoch is not known here."""
    kid = kid_in(sealed.jws)
    key = next((jwk for jwk in keys if kid_of(jwk) == kid), None)
    if key is None:
        return None
    verify(sealed.jws, sealed.text.encode(), "ho-receipt", key)
    receipt = decode(sealed.text, BlobReceipt, "blob receipt")
    if (receipt.sha256, receipt.size) != (kept.sha256, kept.size):
        raise Problem(UNREADABLE, "the receipt is for other bytes", kept.sha256)
    return receipt if receipt.epoch == epoch else None


# -- what the bytes are -------------------------------------------------------
_BEGINNINGS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)
UNKNOWN_TYPE: Final = "application/octet-stream"
TEXT_TYPE: Final = "text/plain"
TYPES: Final = ("image/jpeg", "image/png", "application/pdf", TEXT_TYPE)
"""Media types that can be told from the bytes themselves; which of them are taken is a setting."""


def type_of(raw: bytes) -> str:
    """The media type that these bytes begin like, whatever their name says; what is no type we know is unknown."""
    found = next((type_ for beginning, type_ in _BEGINNINGS if raw.startswith(beginning)), "")
    if found:
        return found
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return UNKNOWN_TYPE
    return UNKNOWN_TYPE if any(ord(one) < 0x20 and one not in "\t\n\r\f" for one in text) else TEXT_TYPE
