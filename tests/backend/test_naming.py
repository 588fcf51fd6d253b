"""Events are found by their hash however many came since, and whichever way they were kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend import naming
from backend.naming import HashIndex
from backend.store.sqlite import connect, migrate
from sync.ids import digest


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "x.db")) as con:
        migrate(con)
        yield con


def test_names_are_found_before_and_after_they_are_sorted_in(
    con: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "MOST_RECENT", 10)
    index = HashIndex()
    rows = [(digest(bytes([number])), 1, number + 1, 0) for number in range(35)]
    for start in range(0, 35, 4):
        index.add(con, rows[start : start + 4])
    for fresh in (index, HashIndex()):
        for row in rows:
            assert fresh.find(con, row[0]) == row[1:]
            assert fresh.find_job(con, row[0][:16]) == row[1:]
        assert fresh.find(con, digest(b"never seen")) is None
        assert fresh.find_job(con, digest(b"never seen")[:16]) is None
        assert fresh.find(con, rows[-1][0][:16] + bytes(16)) is None


def test_of_one_hash_given_twice_the_first_stands(con: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    index, twice = HashIndex(), digest(b"twice")
    index.add(con, [(twice, 1, 1, 0), (twice, 1, 2, 0)])
    assert index.find(con, twice) == (1, 1, 0)
    monkeypatch.setattr(naming, "MOST_RECENT", 0)
    index.add(con, [(digest(b"more"), 1, 3, 0)])
    assert index.find(con, twice) == (1, 1, 0)
    assert con.execute("SELECT count(*) FROM named_recent").fetchone() == (0,)
