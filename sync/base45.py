"""Base45 (RFC 9285): bytes as text in the 45 characters of a QR code's alphanumeric mode."""

from typing import Final

from sync.problems import CODE_TEXT_MALFORMED, Problem

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}


def b45(raw: bytes) -> str:
    """`raw` in Base45 (RFC 9285): two bytes become three characters, a last single byte two."""
    text: list[str] = []
    for at in range(0, len(raw), 2):
        pair = raw[at : at + 2]
        rest = int.from_bytes(pair)
        for _ in range(len(pair) + 1):
            rest, value = divmod(rest, 45)
            text.append(ALPHABET[value])
    return "".join(text)


def unb45(text: str) -> bytes:
    """The bytes that `b45` made `text` of; one byte string has one text. Anything else is CODE_TEXT_MALFORMED.

    A space is a character like any other: a text whose spaces were collapsed is another text.
    """
    raw = bytearray()
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        size = len(group) - 1
        if size == 0:
            raise Problem(CODE_TEXT_MALFORMED, "it ends within a group", f"character {at + 1}")
        number = 0
        for place, character in enumerate(group):
            if character not in _VALUE:
                raise Problem(CODE_TEXT_MALFORMED, f"{character!r} is not in Base45", f"character {at + place + 1}")
            number += _VALUE[character] * 45**place
        if number >= 256**size:
            raise Problem(CODE_TEXT_MALFORMED, f"{group!r} stands for no bytes", f"character {at + 1}")
        raw += number.to_bytes(size)
    return bytes(raw)
