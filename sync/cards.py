"""The small codes beside handovers: enrolment, challenge, and the labels of our own sites, points and assets."""

from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from sync.base45 import b45, unb45
from sync.codec import decode, encode, strict
from sync.problems import CODE_MALFORMED, CODE_TEXT_MALFORMED, CODE_VERSION_UNSUPPORTED, Problem
from sync.qr import PREFIX, CodeKind, after_prefix

CODE_SCHEMA: Final = 1
"""The `v` of enrolment and challenge codes written and read here."""
_Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,86}$")]


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a new device enrols, its one-time code, and the thumbprint of the backend's key (base64url)."""

    v: Literal[1] = CODE_SCHEMA
    url: Annotated[str, Meta(pattern=r"^https?://[!-~]{1,500}$")]
    code: Annotated[str, Meta(min_length=1, max_length=128)]
    fingerprint: _Token


class Challenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a receiver asks an offer to quote: `nonce` used once, minted for `party`."""

    v: Literal[1] = CODE_SCHEMA
    nonce: _Token
    party: Annotated[str, Meta(min_length=1, max_length=200)]


class _Versioned(msgspec.Struct, frozen=True):
    v: int


_Card = TypeVar("_Card", Enrolment, Challenge)
_T = TypeVar("_T")


def enrolment_text(enrolment: Enrolment) -> str:
    """The text of an enrolment code."""
    return PREFIX[CodeKind.ENROLMENT] + b45(encode(enrolment))


def read_enrolment(text: str) -> Enrolment:
    """The enrolment in a code's text; a higher `v` is CODE_VERSION_UNSUPPORTED: update the app."""
    return _card(text, CodeKind.ENROLMENT, Enrolment)


def challenge_text(challenge: Challenge) -> str:
    """The text of a challenge code."""
    return PREFIX[CodeKind.CHALLENGE] + b45(encode(challenge))


def read_challenge(text: str) -> Challenge:
    """The challenge in a code's text; a higher `v` is CODE_VERSION_UNSUPPORTED: update the app."""
    return _card(text, CodeKind.CHALLENGE, Challenge)


def _card(text: str, kind: CodeKind, type_: type[_Card]) -> _Card:
    raw = unb45(after_prefix(text, kind))
    version = _read(raw, _Versioned).v
    if version > CODE_SCHEMA:
        raise Problem(CODE_VERSION_UNSUPPORTED, f"a code of type {kind} with v {version}; update the app")
    return _read(raw, type_)


def _read(raw: bytes, type_: type[_T]) -> _T:
    try:
        strict(raw)
        return decode(raw, type_)
    except Problem as problem:
        raise Problem(CODE_MALFORMED, problem.detail) from problem


def label_text(id_: str) -> str:
    """The text of the label of a site, point or asset of our own with this id (CODE_TEXT_MALFORMED if it is none)."""
    return PREFIX[CodeKind.LABEL] + _label_id(id_)


def read_label(text: str) -> str:
    """The id on a label of our own, as it was printed."""
    return _label_id(after_prefix(text, CodeKind.LABEL))


def _label_id(id_: str) -> str:
    if not id_.isprintable() or id_ != id_.strip() or not 1 <= len(id_) <= 200:
        raise Problem(CODE_TEXT_MALFORMED, "a label's id is 1 to 200 printable characters, no space at its ends")
    return id_
