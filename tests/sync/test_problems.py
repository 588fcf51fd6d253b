"""Saying no: one table of kinds, each with something to do next."""

import re

import pytest

from sync.problems import UNREADABLE, Problem, _kind, as_sentence, catalogue


def test_kinds_are_spelled_for_machines_and_for_people() -> None:
    for kind in catalogue():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.slug), kind
        assert 400 <= kind.status < 600, kind
        assert kind.title[0].isupper(), kind
        assert not kind.title.endswith("."), kind
        assert kind.advice.endswith("."), kind
    assert len({kind.slug for kind in catalogue()}) == len(catalogue())


def test_a_problem_says_what_was_found_and_where() -> None:
    assert str(Problem(UNREADABLE, "not base64url", "line 3")) == "This cannot be read: line 3: not base64url"
    assert str(Problem(UNREADABLE)) == "This cannot be read"


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("", "This cannot be read. Send"),
        ("two; take one", "This cannot be read: two; take one. Send"),
        ("two; take one.", "This cannot be read: two; take one. Send"),
        ("which?", "This cannot be read: which? Send"),
        ("a\x1b[2Jb\nc", "This cannot be read: a\ufffd[2Jb\ufffdc. Send"),
    ],
)
def test_a_person_is_told_in_one_line_that_steers_no_terminal(detail: str, said: str) -> None:
    assert as_sentence(Problem(UNREADABLE, detail)) == f"{said} it as the format's description says."


def test_no_two_kinds_have_one_name() -> None:
    with pytest.raises(ValueError, match="unreadable is defined twice"):
        _kind("unreadable", "Another", 400, "fix", "Do it.")
