"""The wire between device and backend: what the lines of a push and a pull say, and how they are written.

Only envelopes, signed documents, receipts, verdicts and cursors cross it. A line holds an event's exact
bytes; TAB cannot occur in them, so it separates.
"""

import zlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from sync.codec import decode, encode
from sync.events import Hash, JobId, Log, Seq
from sync.ids import b64
from sync.policy import Document
from sync.problems import BAD_HEADER, TOO_LARGE, UNREADABLE, Problem
from sync.seal import Jwk
from sync.standing import Word

MOST_EVENTS = 500
MOST_COMPRESSED = 256 * 1024
MOST_INFLATED = 1024 * 1024
"""Limits of one push: events, bytes as sent, bytes inflated."""

PUSH_TYPE = "application/x-ndjson"
Chain = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A text and the detached JWS over its UTF-8 bytes."""

    text: str
    jws: str


class PushHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """First line of a push.

    `base` and `head` are the chain values before and after; `receipt` is the last one held, as it was given: what it
    says is held and is not shows a backend that it was restored.
    The last four tell the office how the device stood and are read by no verdict: highest seq recorded,
    wall time of the oldest event without receipt, blobs waiting, the device's clock.
    """

    v: int
    log: Log
    from_: Seq = msgspec.field(name="from")
    to: Seq
    base: Chain
    head: Chain
    receipt: Sealed | None = None
    recorded: int = 0
    oldest: str = ""
    blobs: int = 0
    wall: str = ""


class PushLine(msgspec.Struct, frozen=True, gc=False):
    """An event's exact bytes, and its own detached JWS where it has one."""

    raw: bytes
    jws: str = ""


class Push(msgspec.Struct, frozen=True):
    """A push as read; `head_raw` are the header's exact bytes, over which `jws` was made."""

    header: PushHeader
    head_raw: bytes
    jws: str
    lines: tuple[PushLine, ...]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The backend's signed word that it holds 1..received_through of a log, ending in the chain value `head`."""

    epoch: str
    log: Log
    received_through: int
    head: Chain


class SeqVerdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The judgement of one pushed event."""

    seq: int
    verdict: Word
    code: str = ""
    detail: str = ""
    remedy: str = ""
    waits_for: tuple[str, ...] = ()
    duplicate: bool = False
    forked: bool = False


class PushReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the backend says to a push. `missing` are closed ranges of seqs it wants; `receipt` seals a `Receipt`.

    `longer` tells a device that the backend holds more of this log than it sent: its database is an old copy.
    Each of `blob_receipts` seals a `BlobReceipt` of a blob that the pushed events name.
    """

    epoch: str
    received_through: int
    head: str
    verdicts: tuple[SeqVerdict, ...]
    receipt: Sealed
    server_time: str
    missing: tuple[tuple[int, int], ...] = ()
    longer: bool = False
    hints: tuple[str, ...] = ()
    blob_receipts: tuple[Sealed, ...] = ()


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A device's public key, the code it was given, and the signed genesis of its log."""

    code: str
    jwk: Jwk
    genesis: str
    jws: str


class EnrolReply(msgspec.Struct, frozen=True, kw_only=True):
    """Afterwards the device is in the roster; `keys` are the backend's, `people` who may record on it."""

    device: str
    people: tuple[str, ...]
    epoch: str
    keys: tuple[Jwk, ...]


class ChallengeReply(msgspec.Struct, frozen=True, kw_only=True):
    """Random text to sign with typ `ho-session`, once, soon."""

    challenge: str


class SessionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The signed challenge; `roster` lists the device where the backend, restored, may not know it any more.

    `cursor` and `receipt` are the last ones held: what they say is held and is not shows a backend that it was
    restored, before anything rests on it. `recorded` is the highest seq of `log`.
    """

    challenge: str
    jws: str
    roster: Sealed | None = None
    cursor: str = ""
    receipt: Sealed | None = None
    log: str = ""
    recorded: int = 0


class SessionReply(msgspec.Struct, frozen=True, kw_only=True):
    """An opaque token for `Authorization: Bearer`, and for how long (seconds); the epoch in force.

    `longer` as in a `PushReply`: an old copy of a database is told so before anything is recorded in it.
    """

    token: str
    expires_s: int
    epoch: str = ""
    longer: bool = False


class LineProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was wrong with one line, counted from 1."""

    line: int
    code: str
    detail: str = ""


class ReturnReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of lines given back: so many came, so many were news and are kept."""

    epoch: str
    lines: int
    taken: int
    problems: tuple[LineProblem, ...] = ()


def write_push(header: bytes, jws: str, lines: Iterable[PushLine]) -> bytes:
    """The body of a push, not yet compressed."""
    rows = [header + b"\t" + jws.encode("ascii")]
    rows.extend(line.raw + b"\t" + line.jws.encode("ascii") if line.jws else line.raw for line in lines)
    return b"\n".join(rows)


def read_push(body: bytes) -> Push:
    """A push from its inflated bytes: the header can be read and the lines are as many as it says.

    No signature is checked and no event is read here. Raises BAD_HEADER, TOO_LARGE or UNREADABLE.
    """
    if len(body) > MOST_INFLATED:
        raise Problem(TOO_LARGE, f"more than {MOST_INFLATED} bytes inflated")
    head, *rows = body.removesuffix(b"\n").split(b"\n")
    head_raw, jws = _cut(head)
    if not jws:
        raise Problem(BAD_HEADER, "the first line is a header, TAB, its signature", "line 1")
    try:
        header = decode(head_raw, PushHeader, "line 1")
    except Problem as problem:
        raise Problem(BAD_HEADER, problem.detail, "line 1") from problem
    count = header.to - header.from_ + 1
    if count > MOST_EVENTS:
        raise Problem(TOO_LARGE, f"{count} events; at most {MOST_EVENTS}")
    if count < 1 or count != len(rows):
        raise Problem(BAD_HEADER, f"{header.from_} to {header.to} are {count} events, {len(rows)} lines came")
    lines = tuple(_line(row) for row in rows)
    return Push(header, head_raw, jws, lines)


def _cut(row: bytes) -> tuple[bytes, str]:
    raw, _, jws = row.partition(b"\t")
    try:
        return raw, jws.decode("ascii")
    except UnicodeDecodeError as error:
        raise Problem(UNREADABLE, "a signature is not ASCII") from error


def _line(row: bytes) -> PushLine:
    """An event and its signature; one that is no ASCII will not verify, and must not hold up the other lines."""
    raw, _, jws = row.partition(b"\t")
    return PushLine(raw, jws.decode("ascii", "replace"))


def deflate(body: bytes) -> bytes:
    """`body` as gzip, with no time in it."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def inflate(body: bytes, most: int = MOST_INFLATED) -> bytes:
    """What gzip made `body` of, at most `most` bytes (TOO_LARGE); broken or cut gzip is UNREADABLE."""
    if len(body) > MOST_COMPRESSED:
        raise Problem(TOO_LARGE, f"more than {MOST_COMPRESSED} bytes compressed")
    unpacker = zlib.decompressobj(31)
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise Problem(UNREADABLE, f"not gzip: {error}") from error
    if len(found) > most:
        raise Problem(TOO_LARGE, f"more than {most} bytes inflated")
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(UNREADABLE, "the gzip is cut off or has more behind it")
    return found


# -- blobs --------------------------------------------------------------------
MOST_CHUNK = 256 * 1024
"""The most bytes of a blob that one request carries."""
MOST_ASKED = 500
"""The most blobs that one question is about."""


class BlobReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The backend's signed word that it holds these bytes, hashed again when they came."""

    epoch: str
    sha256: Chain
    size: int


class BlobsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Blobs that a device keeps and wants to know about."""

    blobs: Annotated[tuple[Hash, ...], Meta(max_length=MOST_ASKED)]


class BlobHeld(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many bytes of a blob the backend holds from this device, counted from its beginning.

    `receipt` seals a `BlobReceipt` once it has the blob whole. `refused` names the problem that keeps it from taking
    more, in which case the device goes on with the next blob.
    """

    sha256: Hash
    held: int
    receipt: Sealed | None = None
    refused: str = ""


class BlobsReply(msgspec.Struct, frozen=True, kw_only=True):
    """Each blob that was asked about, in that order."""

    blobs: tuple[BlobHeld, ...]


# -- pull ---------------------------------------------------------------------
class PulledEvent(msgspec.Struct, frozen=True):
    """`E`: an event at the position where it came to count; `received_at` is the backend's, ms since 1970."""

    position: int
    received_at: int
    raw: bytes
    jws: str = ""


class PulledDocument(msgspec.Struct, frozen=True):
    """`D`: a signed document, exact bytes; or a receipt for a log of the office's own, signed as one."""

    raw: bytes
    jws: str


class LeftJob(msgspec.Struct, frozen=True):
    """`T`: a job that left this device's scope."""

    job: JobId


class ChangedVerdict(msgspec.Struct, frozen=True):
    """`V`: a verdict of one of the device's own events that changed."""

    log: Log
    verdict: SeqVerdict


class Cursor(msgspec.Struct, frozen=True):
    """`C`: where the next pull goes on, `epoch.position.check`."""

    text: str


PullLine = PulledEvent | PulledDocument | LeftJob | ChangedVerdict | Cursor


def cursor_text(epoch: str, position: int, check: str) -> str:
    """A cursor; `check` is six characters of the hash of the row at `position`: a restored backend is noticed by it."""
    return f"{epoch}.{position}.{check}"


def read_cursor(text: str) -> tuple[str, int, str]:
    """Epoch, position and check of a cursor; else UNREADABLE."""
    epoch, _, rest = text.partition(".")
    position, _, check = rest.partition(".")
    if not (epoch and position.isascii() and position.isdigit() and len(position) < 16):
        raise Problem(UNREADABLE, "not a cursor")
    return epoch, int(position), check


class _Changed(msgspec.Struct, frozen=True, kw_only=True):
    log: Log
    verdict: SeqVerdict


def read_returned(body: bytes) -> list[bytes]:
    """The rows of lines that a device gives back, not yet read one by one. TOO_LARGE for more than fit a push."""
    rows = body.removesuffix(b"\n").split(b"\n")
    if len(body) > MOST_INFLATED or len(rows) > MOST_EVENTS:
        raise Problem(TOO_LARGE, f"more than {MOST_EVENTS} lines or {MOST_INFLATED} bytes")
    return rows


def write_line(line: PullLine) -> bytes:
    """One line of a pull, without its LF."""
    match line:
        case PulledEvent():
            tail = b"\t" + line.jws.encode("ascii") if line.jws else b""
            return b"E\t%d\t%d\t%b%b" % (line.position, line.received_at, line.raw, tail)
        case PulledDocument():
            return b"D\t%b\t%b" % (line.raw, line.jws.encode("ascii"))
        case LeftJob():
            return b"T\t" + line.job.encode("ascii")
        case ChangedVerdict():
            return b"V\t" + encode(_Changed(log=line.log, verdict=line.verdict))
    return b"C\t" + line.text.encode("ascii")


def read_line(row: bytes) -> PullLine | None:
    """One line of a pull; None for a line that a newer backend added. Raises UNREADABLE."""
    letter, *cells = row.split(b"\t")
    try:
        match letter, cells:
            case b"E", [position, received, raw]:
                return PulledEvent(int(position), int(received), raw)
            case b"E", [position, received, raw, jws]:
                return PulledEvent(int(position), int(received), raw, jws.decode("ascii"))
            case b"D", [raw, jws]:
                return PulledDocument(raw, jws.decode("ascii"))
            case b"T", [job]:
                return LeftJob(decode(encode(job.decode("ascii")), JobId))
            case b"V", [raw]:
                changed = decode(raw, _Changed)
                return ChangedVerdict(changed.log, changed.verdict)
            case b"C", [text]:
                return Cursor(text.decode("ascii"))
    except ValueError as error:
        raise Problem(UNREADABLE, "a line of a pull is broken") from error
    if letter in {b"E", b"D", b"T", b"V", b"C"}:
        raise Problem(UNREADABLE, "a line of a pull is broken")
    return None


def read_document(raw: bytes) -> Document:
    """A document from its exact bytes; a kind this software does not know is UNREADABLE."""
    return decode(raw, Document)  # type: ignore[arg-type]  # a union is a type to msgspec


def receipt_text(receipt: Receipt) -> str:
    """The exact text a receipt's signature is over."""
    return encode(receipt).decode()


def chain_text(chain: bytes) -> str:
    """A chain value as the wire writes it."""
    return b64(chain)
