"""Base45 as RFC 9285 says it: one text for one byte string, and every other text refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.base45 import ALPHABET, b45, unb45
from sync.problems import CODE_TEXT_MALFORMED, Problem


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_the_standard_hold(raw: bytes, text: str) -> None:
    assert b45(raw) == text
    assert unb45(text) == raw


@given(st.binary(max_size=700))
def test_bytes_come_back(raw: bytes) -> None:
    text = b45(raw)
    assert set(text) <= set(ALPHABET)
    assert unb45(text) == raw


@given(st.text(alphabet=ALPHABET, max_size=12))
def test_one_byte_string_has_one_text(text: str) -> None:
    try:
        raw = unb45(text)
    except Problem:
        return
    assert b45(raw) == text


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("GGW", 1),  # 65536
        (":::", 1),
        ("BB8::", 4),  # a pair above 255
        ("BB8A", 4),  # a group of one
        ("BBb", 3),  # lower case
        ("BB8B\u00c4", 5),
        ("BB8\n00", 4),
    ],
)
def test_what_no_bytes_were_made_of_is_refused_at_its_place(text: str, where: int) -> None:
    with pytest.raises(Problem) as caught:
        unb45(text)
    assert caught.value.kind is CODE_TEXT_MALFORMED
    assert caught.value.where == f"character {where}"


def test_a_collapsed_space_is_another_text() -> None:
    raw = next(raw for number in range(65536) if "  " in b45(raw := number.to_bytes(2)))
    text = b45(raw + b"AB")
    with pytest.raises(Problem) as caught:
        unb45(text.replace("  ", " "))
    assert caught.value.kind is CODE_TEXT_MALFORMED
