"""Names have one spelling each."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.ids import b64, digest, event_hash, event_name, is_name, job_id, short, unb64
from sync.problems import UNREADABLE, Problem

SHA256_OF_NOTHING = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


@given(st.binary(max_size=70))
def test_bytes_come_back_from_their_text(raw: bytes) -> None:
    text = b64(raw)
    assert unb64(text) == raw
    assert not set(text) & set("+/=")


@given(st.text(alphabet="AQgw_-+/= é", max_size=12))
def test_a_text_is_that_of_its_bytes_or_none(text: str) -> None:
    with suppress(Problem):
        assert b64(unb64(text)) == text


@pytest.mark.parametrize("text", ["AA==", "AB", "A", "A A", "AA\n", "+/", "ä", "\ud800", "AAA=", "A-_A=A"])
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        unb64(text)
    assert refused.value.kind is UNREADABLE


def test_hashes_are_sha_256() -> None:
    assert event_hash(b"") == SHA256_OF_NOTHING
    assert digest(b"abc") == hashlib.sha256(b"abc").digest()


def test_a_job_is_named_by_half_of_its_opening_s_hash() -> None:
    assert unb64(job_id(SHA256_OF_NOTHING)) == hashlib.sha256(b"").digest()[:16]
    assert len(job_id(SHA256_OF_NOTHING)) == 22


@given(st.sampled_from([8, 12, 16, 32]), st.data())
def test_whatever_is_minted_has_the_shape_of_a_name(size: int, data: st.DataObject) -> None:
    assert is_name(b64(data.draw(st.binary(min_size=size, max_size=size))))


@pytest.mark.parametrize(
    "text", ["", "-", "--json", "site-1", "A" * 21 + "B", "A" * 20, "A" * 44, "--site=aaaa", "\udcff"]
)
def test_what_has_another_length_or_spelling_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_an_event_is_named_by_its_log_and_place() -> None:
    assert event_name("log", 7) == "log:7"
    assert short(SHA256_OF_NOTHING) == "47DEQp"
