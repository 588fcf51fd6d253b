"""What problems found: one table of sentences, each said with what was found."""

import re
from string import Formatter

import pytest

from sync.details import HOST_NOT_OPEN, _detail, details
from sync.problems import ADDRESS_REFUSED, Problem


def test_details_are_spelled_for_machines_and_go_on_after_a_colon() -> None:
    for detail in details():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", detail.key), detail
        assert not detail.sentence[0].isupper(), detail
        assert not detail.sentence.endswith("."), detail
        assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(detail.sentence)), detail


def test_a_detail_is_english_as_text_and_stays_apart_from_what_was_found() -> None:
    problem = Problem(ADDRESS_REFUSED, HOST_NOT_OPEN.of(host="erp", address="10.0.0.7"), "url")
    assert problem.detail == "erp is 10.0.0.7, which is not on the open network"
    assert str(problem) == f"This address may not be called: url: {problem.detail}"
    assert problem.found is not None
    assert (problem.found.detail, problem.found.given) == (HOST_NOT_OPEN, {"host": "erp", "address": "10.0.0.7"})
    assert Problem(ADDRESS_REFUSED, "in words alone").found is None


def test_no_two_details_have_one_key() -> None:
    with pytest.raises(ValueError, match="host-not-open is defined twice"):
        _detail("host-not-open", "")
