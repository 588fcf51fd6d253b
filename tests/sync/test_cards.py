"""Enrolment codes, challenges and labels: what is written is read, and what is not ours says how it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.base45 import b45
from sync.cards import (
    Challenge,
    Enrolment,
    challenge_text,
    enrolment_text,
    label_text,
    read_challenge,
    read_enrolment,
    read_label,
)
from sync.problems import (
    CODE_MALFORMED,
    CODE_TEXT_MALFORMED,
    CODE_VERSION_UNSUPPORTED,
    NOT_OUR_CODE,
    WRONG_TYPE_OF_CODE,
    Problem,
    ProblemKind,
)
from sync.qr import CodeKind, classify, fit

ENROLMENT = Enrolment(url="https://hand.example/", code="7KQ2-M4XD", fingerprint="J1TtDWwK3BCc6tLz1xNfVQ")


def test_an_enrolment_code_is_read_as_it_was_written() -> None:
    text = enrolment_text(ENROLMENT)
    assert classify(text) is CodeKind.ENROLMENT
    assert fit(text) is not None
    assert read_enrolment(text) == ENROLMENT


def test_a_challenge_is_read_as_it_was_written() -> None:
    challenge = Challenge(nonce="q8dY2pLrSx0", party="p-17")
    assert classify(challenge_text(challenge)) is CodeKind.CHALLENGE
    assert read_challenge(challenge_text(challenge)) == challenge


def test_an_enrolment_code_of_a_newer_version_asks_for_an_update() -> None:
    newer = b'{"v":2,"url":"https://hand.example/","code":"x","fingerprint":"J1TtDWwK3BCc","relay":"r"}'
    with pytest.raises(Problem) as caught:
        read_enrolment("HE1:" + b45(newer))
    assert caught.value.kind is CODE_VERSION_UNSUPPORTED
    assert "update the app" in caught.value.detail


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("WIFI:S:guest;;", NOT_OUR_CODE),
        ("", NOT_OUR_CODE),
        ("HE2:ABC", CODE_VERSION_UNSUPPORTED),
        ("HS1:site-1", WRONG_TYPE_OF_CODE),
        ("HE1:abc", CODE_TEXT_MALFORMED),
        ("HE1:" + "0" * 4293, CODE_TEXT_MALFORMED),
        ("HE1:", CODE_MALFORMED),
        *(
            ("HE1:" + b45(raw), CODE_MALFORMED)
            for raw in (
                b"{",
                b"[]",
                b"[" * 2800,
                b'{"v":1}',
                b'{"v":"1","url":"https://a","code":"x","fingerprint":"J1TtDWwK3BCc"}',
                b'{"v":0,"url":"https://a","code":"x","fingerprint":"J1TtDWwK3BCc"}',
                b'{"v":1,"v":1,"url":"https://a","code":"x","fingerprint":"J1TtDWwK3BCc"}',
                b'{"v":1,"url":"javascript:0","code":"x","fingerprint":"J1TtDWwK3BCc"}',
                b'{"v":1,"url":"https://a","code":"x","fingerprint":"J1TtDWwK3BCc","admin":true}',
                b'{"v":1,"url":"https://a","code":"\xff","fingerprint":"J1TtDWwK3BCc"}',
            )
        ),
    ],
)
def test_what_is_no_enrolment_code_says_how_it_is_wrong(text: str, kind: ProblemKind) -> None:
    with pytest.raises(Problem) as caught:
        read_enrolment(text)
    assert caught.value.kind is kind


@given(st.binary(max_size=300))
def test_no_bytes_stop_the_reader(raw: bytes) -> None:
    for read in (read_enrolment, read_challenge):
        prefix = "HE1:" if read is read_enrolment else "HC1:"
        with pytest.raises(Problem):
            read(prefix + b45(raw))


@pytest.mark.parametrize("id_", ["site-12", "a  b", "Łódź 3", "موقع-٣", "x" * 200])
def test_a_label_is_read_as_it_was_printed(id_: str) -> None:
    assert read_label(label_text(id_)) == id_


@pytest.mark.parametrize("id_", ["", " x", "x ", "a\nb", "a\x1db", "x" * 201, "\ud800"])
def test_a_label_without_a_printable_id_is_refused(id_: str) -> None:
    with pytest.raises(Problem) as written:
        label_text(id_)
    with pytest.raises(Problem) as read:
        read_label("HS1:" + id_)
    assert written.value.kind is read.value.kind is CODE_TEXT_MALFORMED


@given(
    st.from_regex(r"[A-Za-z0-9_-]{8,86}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
)
def test_every_challenge_that_can_be_made_is_read(nonce: str, party: str) -> None:
    challenge = Challenge(nonce=nonce, party=party)
    assert read_challenge(challenge_text(challenge)) == challenge
