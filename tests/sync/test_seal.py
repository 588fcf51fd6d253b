"""Signatures: detached JWS with one exact header, checked against a second Ed25519 and the RFCs' own numbers."""

import json
from base64 import urlsafe_b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.codec import decode
from sync.ids import b64, unb64
from sync.problems import BAD_SIGNATURE, UNREADABLE, Problem
from sync.seal import Jwk, Signer, Typ, jws_of, kid_in, kid_of, signature_in, verify, verify_raw
from tests.sync import rfc8032

TYPES: tuple[Typ, ...] = ("ho-event", "ho-batch", "ho-receipt", "ho-session", "ho-doc")
SEED = bytes(range(32))
ANNA = Signer(SEED)
BO = Signer(bytes(32))
PAYLOAD = b'{"v":1}'

# RFC 8032 section 7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)


@pytest.mark.parametrize("vector", RFC_8032, ids=range(3))
def test_the_second_implementation_agrees_with_the_rfc(vector: tuple[str, ...]) -> None:
    seed, key, message, signature = map(bytes.fromhex, vector)
    assert rfc8032.public(seed) == key == unb64(Signer(seed).jwk.x)
    assert rfc8032.sign(seed, message) == signature
    assert rfc8032.verifies(key, message, signature)
    assert not rfc8032.verifies(key, message + b"x", signature)


def test_a_key_is_named_by_its_thumbprint() -> None:
    # RFC 8037 appendix A.3 gives this key's thumbprint.
    jwk = Jwk(x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
    assert unb64(kid_of(jwk)) == unb64("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")[:8]


@settings(max_examples=20)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.sampled_from(TYPES))
def test_what_is_signed_here_verifies_elsewhere_and_back(seed: bytes, payload: bytes, typ: Typ) -> None:
    signer = Signer(seed)
    jws = signer.sign(payload, typ)
    head, empty, tail = jws.split(".")
    assert empty == ""
    signed = f"{head}.{b64(payload)}".encode()
    assert rfc8032.verifies(unb64(signer.jwk.x), signed, unb64(tail))
    verify(f"{head}..{b64(rfc8032.sign(seed, signed))}", payload, typ, signer.jwk)
    assert signer.secret() == seed


def test_the_header_is_exactly_this() -> None:
    head = ANNA.sign(PAYLOAD, "ho-event").split(".")[0]
    assert urlsafe_b64decode(head + "==") == b'{"alg":"Ed25519","kid":"%s","typ":"ho-event"}' % ANNA.kid.encode()


@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("wanted", TYPES)
def test_what_was_signed_as_one_thing_never_passes_for_another(typ: Typ, wanted: Typ) -> None:
    jws = ANNA.sign(PAYLOAD, typ)
    if typ == wanted:
        verify(jws, PAYLOAD, wanted, ANNA.jwk)
    else:
        with pytest.raises(Problem) as refused:
            verify(jws, PAYLOAD, wanted, ANNA.jwk)
        assert refused.value.kind is BAD_SIGNATURE
        with pytest.raises(Problem):
            verify_raw(signature_in(jws), PAYLOAD, wanted, ANNA.jwk)


def with_header(header: bytes, payload: bytes = PAYLOAD) -> str:
    """A JWS that is sound but for its header."""
    head = b64(header)
    return f"{head}..{b64(rfc8032.sign(SEED, f'{head}.{b64(payload)}'.encode()))}"


KID = ANNA.kid.encode()


@pytest.mark.parametrize(
    "header",
    [
        b'{"typ":"ho-event","kid":"%s","alg":"Ed25519"}' % KID,
        b'{"alg":"EdDSA","kid":"%s","typ":"ho-event"}' % KID,
        b'{"alg":"none","kid":"%s","typ":"ho-event"}' % KID,
        b'{"alg":"Ed25519", "kid":"%s","typ":"ho-event"}' % KID,
        b'{"alg":"Ed25519","kid":"%s","typ":"ho-event","crit":[]}' % KID,
        b'{"alg":"Ed25519","kid":"%s"}' % KID,
        b'{"alg":"Ed25519","kid":"%s","typ":"ho-event"}' % BO.kid.encode(),
    ],
)
def test_a_sound_signature_under_any_other_header_is_refused(header: bytes) -> None:
    jws = with_header(header)
    with pytest.raises(Problem) as refused:
        verify(jws, PAYLOAD, "ho-event", ANNA.jwk)
    assert refused.value.kind is BAD_SIGNATURE
    verify(with_header(b'{"alg":"Ed25519","kid":"%s","typ":"ho-event"}' % KID), PAYLOAD, "ho-event", ANNA.jwk)


JWS = ANNA.sign(PAYLOAD, "ho-event")
HEAD, TAIL = JWS.split("..")


@pytest.mark.parametrize(
    "jws",
    [
        "",
        "..",
        HEAD,
        f"{HEAD}.",
        f"{HEAD}..",
        f"{HEAD}.{b64(PAYLOAD)}.{TAIL}",
        f"{HEAD}..{TAIL}=",
        f"{HEAD}..{TAIL[:-2]}",
        f"{HEAD}..{TAIL}AA",
        f"{HEAD}..{b64(bytes(64))}",
        f"{HEAD}..{TAIL[:-1]}é",
        f"{HEAD}==..{TAIL}",
        f" {JWS}",
        f"{JWS}\n",
        BO.sign(PAYLOAD, "ho-event"),
        ANNA.sign(PAYLOAD + b" ", "ho-event"),
    ],
)
def test_what_is_not_this_key_s_word_is_refused(jws: str) -> None:
    with pytest.raises(Problem) as refused:
        verify(jws, PAYLOAD, "ho-event", ANNA.jwk)
    assert refused.value.kind is BAD_SIGNATURE


@given(st.integers(0, len(JWS) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_noticed(at: int, character: str) -> None:
    changed = JWS[:at] + character + JWS[at + 1 :]
    if changed != JWS:
        with pytest.raises(Problem) as refused:
            verify(changed, PAYLOAD, "ho-event", ANNA.jwk)
        assert refused.value.kind is BAD_SIGNATURE


@given(st.integers(0, len(PAYLOAD) * 8 - 1))
def test_a_changed_bit_of_the_payload_is_noticed(bit: int) -> None:
    changed = bytearray(PAYLOAD)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Problem):
        verify(JWS, bytes(changed), "ho-event", ANNA.jwk)


def test_a_signature_has_one_form() -> None:
    # S + order verifies under the curve's equation; RFC 8032 refuses it, so that no event has two signatures.
    raw = signature_in(JWS)
    proof = int.from_bytes(raw[32:], "little") + rfc8032.ORDER
    with pytest.raises(Problem):
        verify_raw(raw[:32] + proof.to_bytes(32, "little"), PAYLOAD, "ho-event", ANNA.jwk)


def test_a_code_carries_the_bare_signature_and_the_rest_is_put_back() -> None:
    assert len(signature_in(JWS)) == 64
    assert jws_of(signature_in(JWS), ANNA.kid, "ho-event") == JWS
    verify_raw(signature_in(JWS), PAYLOAD, "ho-event", ANNA.jwk)


def test_the_key_that_a_signature_names_is_read_before_it_is_verified() -> None:
    assert kid_in(JWS) == ANNA.kid
    assert kid_in(f"{HEAD}..nonsense") == ANNA.kid


@pytest.mark.parametrize(
    "jws", ["", "..", HEAD, f"{HEAD}.{TAIL}", "!..", f"{b64(b'[]')}..", f"{b64(bytes([255]))}..", f"{b64(b'{}')}..x"]
)
def test_a_signature_that_names_no_key_is_unreadable(jws: str) -> None:
    with pytest.raises(Problem) as refused:
        kid_in(jws)
    assert refused.value.kind is UNREADABLE


@pytest.mark.parametrize("x", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "é" * 43, "+" * 43])
def test_a_key_of_another_form_is_not_read(x: str) -> None:
    with pytest.raises(Problem):
        decode(json.dumps({"x": x}).encode(), Jwk)


@pytest.mark.parametrize("field", [{"crv": "X25519"}, {"kty": "EC"}])
def test_a_key_of_another_kind_is_not_read(field: dict[str, str]) -> None:
    with pytest.raises(Problem):
        decode(json.dumps({"x": ANNA.jwk.x, **field}).encode(), Jwk)


def test_bytes_that_are_no_point_are_no_key() -> None:
    with pytest.raises(Problem) as refused:
        verify_raw(bytes(64), PAYLOAD, "ho-event", Jwk(x="_" * 43))
    assert refused.value.kind is UNREADABLE
    with pytest.raises(Problem):
        verify_raw(bytes(64), PAYLOAD, "ho-event", Jwk(x=b64(b"\x02" + bytes(31))))
