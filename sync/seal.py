"""Ed25519 signatures as detached JWS (RFC 7515 appendix F, RFC 9864), and the keys behind them.

The protected header is exactly `{"alg":"Ed25519","kid":"...","typ":"..."}` in this order, so a QR
code need carry only the 64 bytes of the signature. A verifier demands the typ it expects: what was
signed as one thing never passes for another.
"""

from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from nacl.exceptions import BadSignatureError
from nacl.exceptions import ValueError as NaclValueError
from nacl.signing import SigningKey, VerifyKey

from sync.ids import KID_BYTES, b64, digest, unb64
from sync.problems import BAD_SIGNATURE, UNREADABLE, Problem

Typ = Literal["ho-event", "ho-batch", "ho-receipt", "ho-session", "ho-doc"]
SIGNATURE_BYTES = 64


class Jwk(msgspec.Struct, frozen=True, kw_only=True):
    """A public Ed25519 key (RFC 8037): `x` is its 32 bytes, base64url."""

    x: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$")]
    crv: Literal["Ed25519"] = "Ed25519"
    kty: Literal["OKP"] = "OKP"


@lru_cache(maxsize=4096)
def kid_of(jwk: Jwk) -> str:
    """The first 8 bytes of the key's thumbprint (RFC 7638), base64url: 11 characters."""
    return b64(digest(b'{"crv":"Ed25519","kty":"OKP","x":"' + jwk.x.encode("ascii") + b'"}')[:KID_BYTES])


class Signer:
    """A private key that signs; its public half is `jwk`, its name `kid`."""

    __slots__ = ("_key", "jwk", "kid")

    def __init__(self, secret: bytes) -> None:
        """`secret` is the 32-byte Ed25519 seed; where it comes from is the caller's matter."""
        self._key = SigningKey(secret)
        self.jwk = Jwk(x=b64(bytes(self._key.verify_key)))
        self.kid = kid_of(self.jwk)

    def secret(self) -> bytes:
        """The seed, for keeping it; 32 bytes."""
        return bytes(self._key)

    def sign(self, payload: bytes, typ: Typ) -> str:
        """A detached JWS over `payload`: `header..signature`."""
        return f"{_header(self.kid, typ)}..{b64(self._key.sign(_input(self.kid, typ, payload)).signature)}"


@lru_cache(maxsize=4096)
def _header(kid: str, typ: Typ) -> str:
    return b64(b'{"alg":"Ed25519","kid":"' + kid.encode("ascii") + b'","typ":"' + typ.encode("ascii") + b'"}')


def _input(kid: str, typ: Typ, payload: bytes) -> bytes:
    return f"{_header(kid, typ)}.{b64(payload)}".encode("ascii")


@lru_cache(maxsize=4096)
def _public(jwk: Jwk) -> VerifyKey:
    return VerifyKey(unb64(jwk.x))


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["Ed25519"]
    kid: str
    typ: str


def kid_in(jws: str) -> str:
    """The kid that a detached JWS names, before anything is verified (UNREADABLE where it names none)."""
    return _header_in(jws).kid


def typ_in(jws: str) -> str:
    """As what a detached JWS says its payload was signed, before anything is verified (UNREADABLE likewise)."""
    return _header_in(jws).typ


def _header_in(jws: str) -> _Header:
    head, dots, _ = jws.partition("..")
    if not dots:
        raise Problem(UNREADABLE, "no detached signature")
    try:
        return msgspec.json.decode(unb64(head), type=_Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(UNREADABLE, "the header of a signature cannot be read") from error


def verify(jws: str, payload: bytes, typ: Typ, jwk: Jwk) -> None:
    """Return only if `jws` is this key's signature over `payload` as `typ`; else BAD_SIGNATURE."""
    head, dots, tail = jws.partition("..")
    if not dots or head != _header(kid_of(jwk), typ):
        raise Problem(BAD_SIGNATURE, f"not signed as {typ} by {kid_of(jwk)}")
    try:
        signature = unb64(tail)
    except Problem as problem:
        raise Problem(BAD_SIGNATURE, problem.detail) from problem
    verify_raw(signature, payload, typ, jwk)


def verify_raw(signature: bytes, payload: bytes, typ: Typ, jwk: Jwk) -> None:
    """The same for the bare 64 bytes of a signature, as codes carry it; a key that is none is UNREADABLE."""
    key = _public(jwk)
    try:
        key.verify(_input(kid_of(jwk), typ, payload), signature)
    except (BadSignatureError, NaclValueError) as error:
        raise Problem(BAD_SIGNATURE, f"the bytes are not what {kid_of(jwk)} signed") from error


def jws_of(signature: bytes, kid: str, typ: Typ) -> str:
    """The detached JWS whose signature is these 64 bytes: what a code left out is put back."""
    return f"{_header(kid, typ)}..{b64(signature)}"


def signature_in(jws: str) -> bytes:
    """The 64 bytes of the signature in a detached JWS, for a code."""
    return unb64(jws.partition("..")[2])
