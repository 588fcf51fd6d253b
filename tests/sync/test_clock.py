"""Times on the wire are RFC 3339 with an offset, and nothing else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import EARLIEST_MS, LATEST_MS, is_written_right, milliseconds, rfc3339
from sync.problems import UNREADABLE, Problem

FIRST_MS, LAST_MS = EARLIEST_MS, LATEST_MS


@given(st.integers(FIRST_MS, LAST_MS))
def test_a_time_comes_back_from_its_text(ms: int) -> None:
    assert milliseconds(rfc3339(ms)) == ms


@given(st.integers(FIRST_MS, LAST_MS))
def test_texts_sort_as_their_times(ms: int) -> None:
    later = min(ms + 1, LAST_MS)
    assert rfc3339(ms) <= rfc3339(later)


@pytest.mark.parametrize(("ms", "text"), [(0, "1970-01-01T00:00:00.000Z"), (FIRST_MS, "0001-01-01T00:00:00.000Z")])
def test_a_time_is_written_in_utc_to_the_millisecond(ms: int, text: str) -> None:
    assert rfc3339(ms) == text


@given(st.integers(LAST_MS + 1) | st.integers(max_value=FIRST_MS - 1))
def test_a_time_that_cannot_be_written_is_written_as_the_nearest_that_can(ms: int) -> None:
    assert rfc3339(ms) == ("9999-12-31T23:59:59.999Z" if ms > 0 else "0001-01-01T00:00:00.000Z")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T08:00:00Z",
        "2026-01-05t08:00:00z",
        "2026-01-05 08:00:00Z",
        "2026-01-05T08:00:00.000Z",
        "2026-01-05T08:00:00.0009999999Z",
        "2026-01-05T09:00:00+01:00",
        "2026-01-05T08:00:00-00:00",
        "2026-01-04T18:30:00-13:30",
    ],
)
def test_every_way_to_write_one_instant_is_read(text: str) -> None:
    assert milliseconds(text) == datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-05",
        "2026-01-05T08:00:00",
        "2026-01-05T08:00Z",
        "20260105T080000Z",
        "2026-W02-1T08:00:00Z",
        "2026-01-05x08:00:00Z",
        "2026-01-05T08:00:00+0100",
        "2026-01-05T08:00:00,5Z",
        "2026-01-05T08:00:00.Z",
        "2026-01-05T08:00:60Z",
        "2026-01-05T24:00:00Z",
        "2026-02-30T08:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-05T08:00:00+24:00",
        "٢٠٢٦-01-05T08:00:00Z",
        "2026-01-05T08:00:00Z\n",
        "1767600000",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_any_other_text_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(Problem) as refused:
        milliseconds(text)
    assert refused.value.kind is UNREADABLE
    assert repr(text) in refused.value.detail


def test_a_day_that_is_not_is_written_right_all_the_same() -> None:
    assert is_written_right("2026-02-30T08:00:00Z")
    assert not is_written_right("2026-02-28T08:00:00")


def test_a_long_text_is_quoted_in_part() -> None:
    with pytest.raises(Problem) as refused:
        milliseconds("x" * 10_000)
    assert len(refused.value.detail) < 200
