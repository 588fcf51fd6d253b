"""Handover codes: the texts two devices show each other and read when there is no network.

Text and bytes only: drawing and reading pictures is the device's. A handover code is `HO1:` and the
Base45 of a frame; a frame too large for one picture is shown as several `HP1:` parts. What is wrong
with a code is looked for in this order, each its own problem: not one of ours, version unsupported,
text malformed, frame malformed, inflates too far, wrong type of code.
"""

import re
import zlib
from base64 import b32encode
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

import msgspec

from sync.base45 import ALPHABET, b45, unb45
from sync.codec import UNREADABLE_JSON
from sync.dictionary import DICTIONARY_1
from sync.ids import KID_BYTES, b64, digest, unb64
from sync.problems import (
    CODE_INFLATES_TOO_FAR,
    CODE_MALFORMED,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    NOT_OUR_CODE,
    TOO_LARGE,
    WRONG_TYPE_OF_CODE,
    Problem,
)
from sync.seal import SIGNATURE_BYTES

MOST_INFLATED: Final = 64 * 1024
"""Bytes that the events of one code may have together."""
MOST_TEXT: Final = 4296
"""Characters in the largest QR code there is (version 40-L, alphanumeric; ISO/IEC 18004)."""
MOST_EVENTS: Final = 255
"""Events in one code: their number is one byte."""
PART_BYTES: Final = 300
"""Frame bytes in one part: a symbol of version 13, easier to read than one of 18 (1,800 B in 6 parts were tried)."""
MOST_PART_BYTES: Final = 694
"""What a version 18-L symbol holds: nobody's part is larger."""
MOST_PARTS: Final = 64
MOST_CODES_AT_ONCE: Final = 4
"""Codes of which parts are kept while they are read; the one not seen for longest goes first."""


class CodeKind(StrEnum):
    """What a scanned text is, by its first characters."""

    HANDOVER = "handover"
    PART = "part"
    ENROLMENT = "enrolment"
    CHALLENGE = "challenge"
    LABEL = "label"
    UNSUPPORTED = "unsupported"
    OTHER = "other"


PREFIX: Final = {
    CodeKind.HANDOVER: "HO1:",
    CodeKind.PART: "HP1:",
    CodeKind.ENROLMENT: "HE1:",
    CodeKind.CHALLENGE: "HC1:",
    CodeKind.LABEL: "HS1:",
}
_ANY_VERSION: Final = re.compile(r"H[OPECS][0-9]{1,4}:")


def classify(text: str) -> CodeKind:
    """What `text` is. `OTHER` is shown as plain text, "not one of ours"; `UNSUPPORTED` is ours, of another version."""
    for kind, prefix in PREFIX.items():
        if text.startswith(prefix):
            return kind
    return CodeKind.UNSUPPORTED if _ANY_VERSION.match(text) else CodeKind.OTHER


def after_prefix(text: str, wanted: CodeKind) -> str:
    """What follows the prefix of a code of the wanted kind; the first of this module's problems that `text` has."""
    found = classify(text)
    if found is CodeKind.OTHER:
        raise Problem(NOT_OUR_CODE, f"it begins with {text[:8]!r}" if text else "it is empty")
    if found is CodeKind.UNSUPPORTED:
        raise Problem(
            CODE_VERSION_UNSUPPORTED, f"this app reads {PREFIX[wanted]} and not {text[: text.index(':') + 1]}"
        )
    if found is not wanted:
        raise Problem(WRONG_TYPE_OF_CODE, f"a code of type {found} where one of type {wanted} is wanted")
    if len(text) > MOST_TEXT:
        raise Problem(CODE_TEXT_MALFORMED, f"{len(text)} characters, no code holds more than {MOST_TEXT}")
    return text.removeprefix(PREFIX[wanted])


# -- frames --------------------------------------------------------------------
class SignedEvent(msgspec.Struct, frozen=True):
    """An event's exact bytes, and the 64 bytes of its author's signature over them (typ `ho-event`)."""

    raw: bytes
    signature: bytes


class Frame(msgspec.Struct, frozen=True):
    """What one handover code carries: events of one log, in the log's order, signed by one key.

    The last event says what the code is: offers, each of them perhaps preceded by the opening it rests on, or answers.
    Several offers, or answers, are those of several jobs that are handed over together.
    """

    kid: str
    events: tuple[SignedEvent, ...]


class _Named(msgspec.Struct, frozen=True):
    # What an event needs to be filed at all; everything else about it is judged later, by itself.
    log: str
    seq: int
    kind: str


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes: kid (8), count (1), the signatures (64 each), the deflated events.

    Raises CODE_MALFORMED for what is no frame (not 1 to 255 events, of several logs, a control
    character in one, ...), and TOO_LARGE where its events are over 64 KiB together.
    """
    _check(frame)
    if _inflated(frame) > MOST_INFLATED:
        raise Problem(TOO_LARGE, f"{_inflated(frame)} bytes of events, a code carries {MOST_INFLATED}")
    joined = b"\n".join(signed.raw for signed in frame.events)
    signatures = b"".join(signed.signature for signed in frame.events)
    return unb64(frame.kid) + bytes([len(frame.events)]) + signatures + _deflate(joined)


def decode_frame(raw: bytes) -> Frame:
    """The frame in `raw`: its events as they were signed, byte for byte; nothing is verified yet.

    Raises CODE_MALFORMED or CODE_INFLATES_TOO_FAR; needs no more memory than the bound either way.
    """
    if len(raw) <= KID_BYTES:
        raise Problem(CODE_MALFORMED, f"{len(raw)} bytes hold no frame")
    count, start = raw[KID_BYTES], KID_BYTES + 1
    end = start + count * SIGNATURE_BYTES
    if not count or len(raw) < end:
        raise Problem(CODE_MALFORMED, f"{len(raw)} bytes do not hold {count} signatures, or there is none")
    events = _inflate(raw[end:]).split(b"\n")
    if len(events) != count:
        raise Problem(CODE_MALFORMED, f"{count} signatures and {len(events)} events")
    signatures = (raw[at : at + SIGNATURE_BYTES] for at in range(start, end, SIGNATURE_BYTES))
    frame = Frame(b64(raw[:KID_BYTES]), tuple(map(SignedEvent, events, signatures)))
    _check(frame)
    return frame


def kind_of(frame: Frame) -> str:
    """The kind of the frame's last event, which is what the code is."""
    return _named(frame.events[-1].raw).kind


def log_of(frame: Frame) -> str:
    """The log of which the frame holds events."""
    return _named(frame.events[-1].raw).log


def expect_kind(frame: Frame, *kinds: str) -> None:
    """Return only if the frame is of one of these kinds of event; else WRONG_TYPE_OF_CODE."""
    kind = kind_of(frame)
    if kind not in kinds:
        raise Problem(WRONG_TYPE_OF_CODE, f"it holds {kind[:40]}, wanted is {' or '.join(kinds)}")


def offer_frame(kid: str, offers: Sequence[SignedEvent], openings: Sequence[SignedEvent] = ()) -> Frame:
    """The frame that shows `offers` in their log's order, preceded by the `job.opened` they rest on, size permitting.

    `openings` are those that the receiver may lack. For one job it goes along where it costs no second picture: one
    holds both, or the offer alone needs parts anyway. Several jobs take as many pictures as it needs to prove them.
    """
    frame = Frame(kid, _in_order(offers))
    for opened in openings:
        more = Frame(kid, _in_order((*frame.events, opened)))
        has_room = _shows(more) if len(offers) > 1 else _costs_no_parts(frame, more)
        frame = more if has_room else frame
    return frame


def answer_frame(kid: str, answers: Sequence[SignedEvent]) -> Frame:
    """The frame that shows `answers`, acceptances and refusals of the offers of one code, in their log's order."""
    return Frame(kid, _in_order(answers))


def _in_order(events: Sequence[SignedEvent]) -> tuple[SignedEvent, ...]:
    return tuple(sorted(events, key=lambda signed: _named(signed.raw).seq))


def _shows(frame: Frame) -> bool:
    """True where one picture or so many parts as anybody holds still for show the frame."""
    holds = len(frame.events) <= MOST_EVENTS and _inflated(frame) <= MOST_INFLATED
    return holds and _parts(encode_frame(frame)) <= MOST_PARTS


def _costs_no_parts(without: Frame, frame: Frame) -> bool:
    if not _shows(frame):
        return False
    return fit(frame_text(encode_frame(frame))) is not None or not fit(frame_text(encode_frame(without)))


def _inflated(frame: Frame) -> int:
    return sum(len(signed.raw) + 1 for signed in frame.events) - 1


def _parts(frame: bytes) -> int:
    return -(-len(frame) // PART_BYTES)


def _check(frame: Frame) -> None:
    if len(unb64(frame.kid)) != KID_BYTES:
        raise Problem(CODE_MALFORMED, f"a key's name has {KID_BYTES} bytes")
    if not 1 <= len(frame.events) <= MOST_EVENTS:
        raise Problem(CODE_MALFORMED, f"{len(frame.events)} events, a code carries 1 to {MOST_EVENTS}")
    if any(len(signed.signature) != SIGNATURE_BYTES for signed in frame.events):
        raise Problem(CODE_MALFORMED, f"a signature has {SIGNATURE_BYTES} bytes")
    if any(min(signed.raw, default=0) < 0x20 for signed in frame.events):
        raise Problem(CODE_MALFORMED, "an event is empty or holds a control character")
    if len({_named(signed.raw).log for signed in frame.events}) > 1:
        raise Problem(CODE_MALFORMED, "its events are of different logs")


def _named(raw: bytes) -> _Named:
    try:
        return msgspec.json.decode(raw, type=_Named)
    except UNREADABLE_JSON as error:
        raise Problem(CODE_MALFORMED, "what it carries is no event") from error


def _deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY_1)
    return packer.compress(raw) + packer.flush()


def _inflate(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(-15, zdict=DICTIONARY_1)
    try:
        raw = unpacker.decompress(packed, MOST_INFLATED + 1)
    except zlib.error as error:
        raise Problem(CODE_MALFORMED, "its events are not deflated with dictionary 1") from error
    if len(raw) > MOST_INFLATED:
        raise Problem(CODE_INFLATES_TOO_FAR, f"more than {MOST_INFLATED} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise Problem(CODE_MALFORMED, "bytes follow its events" if unpacker.eof else "its events are cut short")
    return raw


# -- texts of frames: one code, or parts ---------------------------------------
def frame_text(frame: bytes) -> str:
    """The text of one handover code for these frame bytes, whether or not a picture holds it."""
    return PREFIX[CodeKind.HANDOVER] + b45(frame)


def read_frame(text: str) -> Frame:
    """The frame of a handover code's text; raises the problems of this module in their order."""
    return decode_frame(unb45(after_prefix(text, CodeKind.HANDOVER)))


def code_texts(frame: bytes) -> tuple[str, ...]:
    """The texts to show for these frame bytes: one code if a picture holds it, else its parts, for a cycle.

    Raises TOO_LARGE where more parts would be needed than anybody holds still for: such a
    handover goes by sync.
    """
    text = frame_text(frame)
    if fit(text):
        return (text,)
    count = _parts(frame)
    if count > MOST_PARTS:
        raise Problem(TOO_LARGE, f"{len(frame)} bytes would be {count} codes, {MOST_PARTS} is the most; sync instead")
    size = -(-len(frame) // count)
    head = f"{PREFIX[CodeKind.PART]}{_part_id(frame)}"
    return tuple(f"{head}/{i + 1}/{count}:{b45(frame[i * size : (i + 1) * size])}" for i in range(count))


def _part_id(frame: bytes) -> str:
    # From the content, so that parts of two codes never make a third; Base32, because Base45 has / and :.
    return b32encode(digest(frame)[:5]).decode("ascii")


_PART: Final = re.compile(r"([A-Z2-7]{8})/([1-9][0-9]?)/([1-9][0-9]?):(.+)")


class _Partial(msgspec.Struct, frozen=True):
    id: str
    parts: tuple[bytes, ...]

    def whole(self) -> bytes | None:
        return b"".join(self.parts) if all(self.parts) else None


class PartsCollector(msgspec.Struct, frozen=True):
    """The parts read so far; a value: `take` gives the next one. Bounded, whatever is shown to it."""

    codes: tuple[_Partial, ...] = ()

    def take(self, text: str) -> "PartsCollector":
        """With one more part: order, repeats and other codes' parts in between do not matter.

        Raises CODE_TEXT_MALFORMED for what is no part, and CODE_MALFORMED where the parts, all there,
        are not those of one frame; the collector as it was then goes on, and a part read again heals it.
        """
        match = _PART.fullmatch(after_prefix(text, CodeKind.PART))
        if match is None:
            raise Problem(CODE_TEXT_MALFORMED, "a part reads id/number/count:data")
        id_, number, count, data = match[1], int(match[2]), int(match[3]), unb45(match[4])
        if number > count or count > MOST_PARTS or len(data) > MOST_PART_BYTES:
            raise Problem(CODE_TEXT_MALFORMED, f"part {number} of {count} with {len(data)} bytes")
        known = [code for code in self.codes if (code.id, len(code.parts)) == (id_, count)]
        parts = known[0].parts if known else (b"",) * count
        partial = _Partial(id_, (*parts[: number - 1], data, *parts[number:]))
        whole = partial.whole()
        if whole is not None and _part_id(whole) != id_:
            raise Problem(CODE_MALFORMED, "its parts do not belong together")
        others = [code for code in self.codes if code not in known]
        return PartsCollector((partial, *others)[:MOST_CODES_AT_ONCE])

    def frame(self) -> bytes | None:
        """The frame bytes of the code last read from, once all its parts are here."""
        return self.codes[0].whole() if self.codes else None

    def missing(self) -> tuple[int, ...]:
        """Which parts of the code last read from are still to come, counted from 1."""
        parts = self.codes[0].parts if self.codes else ()
        return tuple(number for number, part in enumerate(parts, 1) if not part)


# -- what a picture holds ------------------------------------------------------
class Fit(msgspec.Struct, frozen=True):
    """The symbol to draw: error-correction level L or M, version 1 to 18."""

    level: Literal["L", "M"]
    version: int


# Data codewords of versions 1 to 18 (ISO/IEC 18004, table 7). In larger symbols the modules get too small for
# the blur of a hand-held camera: up to 0.40 px of blur a module 97 % are read, from 0.45 px on at most 55 %.
_CODEWORDS: Final[dict[Literal["L", "M"], tuple[int, ...]]] = {
    "M": (16, 28, 44, 64, 86, 108, 124, 154, 182, 216, 254, 290, 334, 365, 415, 453, 507, 563),
    "L": (19, 34, 55, 80, 108, 136, 156, 194, 232, 274, 324, 370, 428, 461, 523, 589, 647, 721),
}


def fit(text: str) -> Fit | None:
    """The smallest symbol for `text`: level M up to version 18, else L, else none: no picture is to hold it.

    A frame of up to 541 bytes is at level M then, of up to 694 at L. For a fixed text the lower level
    reads better, its modules being larger; M is for what covers the code: 6 % of its area against 4 %.
    """
    for level, codewords in _CODEWORDS.items():
        for version, held in enumerate(codewords, 1):
            if _bits(text, version) <= 8 * held:
                return Fit(level, version)
    return None


def is_alphanumeric(text: str) -> bool:
    """True where a symbol's alphanumeric mode can hold `text`: Base45 was made for its 45 characters."""
    return all(character in ALPHABET for character in text)


def _bits(text: str, version: int) -> int:
    # Mode indicator, character count indicator, data (ISO/IEC 18004, 7.4).
    if is_alphanumeric(text):
        return 4 + (9 if version < 10 else 11) + len(text) // 2 * 11 + len(text) % 2 * 6
    return 4 + (8 if version < 10 else 16) + 8 * len(text.encode())
