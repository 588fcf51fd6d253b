"""Another reader of the wire, written after fixtures/wire/README.md and on the standard library alone.

Nothing of the product is imported: where both agree, what is written down is enough to write a third.
"""

import json
import zlib
from base64 import b32encode, urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.sync import rfc8032

FOLDER = Path(__file__).parents[2] / "fixtures" / "wire"
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SIGNED_AS = {"handover": "ho-event", "part": "ho-event"}
MOST_INFLATED = 64 * 1024


@cache
def manifest(name: str) -> dict[str, list[dict[str, Any]]]:
    """What a file of the golden wire says."""
    found: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / name).read_bytes())
    return found


@cache
def key(name: str) -> dict[str, Any]:
    """The key of this name."""
    (found,) = [one for one in manifest("keys.json")["keys"] if one["name"] == name]
    return found


def to_text(raw: bytes) -> str:
    """Bytes as base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def to_bytes(text: str) -> bytes:
    """And back; only the one way in which they are written is read."""
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert to_text(raw) == text
    return raw


def hash_of(raw: bytes) -> str:
    """What names these bytes."""
    return to_text(sha256(raw).digest())


def kid_of(x: str) -> str:
    """The name of the key with this public half."""
    return to_text(sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()[:8])


@cache
def verifies(x: str, message: bytes, signature: bytes) -> bool:
    """True where the other Ed25519 says so."""
    return rfc8032.verifies(to_bytes(x), message, signature)


def check_signature(jws: str, payload: bytes, typ: str, x: str) -> None:
    """Fail unless this is this key's signature over the payload, as that."""
    header, signature = jws.split("..")
    assert to_bytes(header) == f'{{"alg":"Ed25519","kid":"{kid_of(x)}","typ":"{typ}"}}'.encode()
    assert verifies(x, f"{header}.{to_text(payload)}".encode(), to_bytes(signature))


def check_by(name: str, jws: str, payload: str, typ: str) -> None:
    """The same for a key by its name."""
    check_signature(jws, payload.encode(), typ, key(name)["jwk"]["x"])


def chain_start(log: str) -> bytes:
    """The chain value before a log's first event."""
    return sha256(to_bytes(log)).digest()


def chain_after(chain: bytes, hash_: str) -> bytes:
    """The chain value after one more event."""
    return sha256(chain + to_bytes(hash_)).digest()


def from_base45(text: str) -> bytes:
    """The bytes of a Base45 text."""
    raw = b""
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        number = sum(BASE45.index(character) * 45**place for place, character in enumerate(group))
        raw += number.to_bytes(len(group) - 1)
    return raw


def frame_in(texts: list[str]) -> bytes:
    """The bytes of the frame that one code or all its parts carry."""
    if len(texts) == 1:
        assert texts[0].startswith("HO1:")
        return from_base45(texts[0][4:])
    found: dict[int, bytes] = {}
    ids = set()
    for text in texts:
        head, _, data = text.removeprefix("HP1:").partition(":")
        id_, number, count = head.split("/")
        ids.add(id_)
        assert int(count) == len(texts)
        found[int(number)] = from_base45(data)
    frame = b"".join(found[number] for number in range(1, len(texts) + 1))
    assert ids == {b32encode(sha256(frame).digest()[:5]).decode()}
    return frame


def events_in(frame: bytes) -> tuple[str, list[bytes], list[bytes]]:
    """The kid, the signatures and the events of a frame."""
    dictionary = (FOLDER / "dictionary-1.bin").read_bytes()
    count = frame[8]
    signatures = [frame[9 + 64 * at : 73 + 64 * at] for at in range(count)]
    unpacker = zlib.decompressobj(-15, zdict=dictionary)
    raw = unpacker.decompress(frame[9 + 64 * count :], MOST_INFLATED)
    assert unpacker.eof
    assert not unpacker.unused_data
    return to_text(frame[:8]), signatures, raw.split(b"\n")


def says(whole: object, part: object) -> bool:
    """True where all that `part` says stands in `whole` too, and what more there is says nothing."""
    if isinstance(whole, dict) and isinstance(part, dict):
        more = [value for name, value in whole.items() if name not in part]
        return all(name in whole and says(whole[name], value) for name, value in part.items()) and not any(
            map(_is_said, more)
        )
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(says, whole, part))
    return whole == part and isinstance(whole, bool) == isinstance(part, bool)


# What a field means that is not there, where that is not nothing.
_DEFAULTS = ("routine", "corrective", "done", "not received", "no", True, 1, 14, "prompt")


def _is_said(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_is_said, value.values()))
    return bool(value) and value not in _DEFAULTS
