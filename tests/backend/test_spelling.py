"""How a name or a number is found however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.spelling import BACKWARDS, dialled, figures, fits, folded, looked_for, phone_looked_for, squashed, words


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Müller & Söhne", "MULLER"),
        ("Große Straße 5", "grosse strasse"),
        ("Zażółć Łódź", "zazolc lodz"),
        ("شارع الحُرِّيّة", "الحريه"),
        ("Hauptstraße 12", "hauptstr 1"),
        ("Ebene ٣", "ebene 3"),
        ("İstanbul Depo", "istanbul"),
    ],
)
def test_case_accents_and_figures_of_other_scripts_are_meant_alike(written: str, asked: str) -> None:
    assert fits(asked, written)


def test_every_word_asked_for_has_to_begin_one() -> None:
    assert fits("kim bak", "Bakery Kim")
    assert not fits("kim shop", "Bakery Kim")
    assert not fits("akery", "Bakery Kim")


@pytest.mark.parametrize("asked", ["030 123 45", "+49 30 12345", "0049 (0)30 123-45", "12345", "(030) 12345"])
def test_a_phone_number_is_found_however_its_figures_are_grouped(asked: str) -> None:
    assert phone_looked_for(asked.replace("(0)", "")) in "0" + figures("+49 (0)30 123-45")


def test_a_number_is_dialled_without_what_is_written_for_the_eye() -> None:
    assert dialled("+49 (0)30 123-45") == "+493012345"
    assert dialled("030 / 123 45") == "03012345"
    assert dialled("") == ""


def test_what_is_no_phone_number_is_not_looked_for_as_one() -> None:
    assert phone_looked_for("D-104 12") == ""
    assert phone_looked_for("12") == ""
    assert phone_looked_for("") == ""


def test_a_number_is_found_by_its_beginning_its_parts_and_its_end() -> None:
    assert looked_for("D-104/12") == ("d10412", "104", "12", f"{BACKWARDS}21401d")
    assert looked_for("pump") == ("pump",)
    assert looked_for("-/-") == ()


@given(st.text(max_size=80))
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert squashed(squashed(text)) == squashed(text)
    assert words(" ".join(words(text))) == words(text)
