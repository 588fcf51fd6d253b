"""Visits of years before: taken in once, mended where they are bad, and never a change to a number of before."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from backend.history import Table, import_visits, keep_severity, material
from backend.measures.maturity import Received
from backend.store.sqlite import connect, migrate
from sync.attendances import Visit
from sync.clock import milliseconds
from sync.problems import BAD_TABLE, Problem
from trial.cli import main

HEADER = "visit,job,site,type,asset,arrived_at,departed_at,outcome"
ONE = "v1,j1,north,corrective,pump,2025-03-01T08:00:00Z,2025-03-01T09:00:00Z,done"
TWO = "v2,j2,north,corrective,pump,2025-03-05T08:00:00Z,2025-03-05T09:00:00Z,done"
BAD = "v3,j3,north,corrective,pump,2025-03-06T08:00:00Z,2025-03-06T07:00:00Z,done"
SITES = "site,live_from\nnorth,2025-06-01T00:00:00Z\n"
NOW = milliseconds("2026-01-01T00:00:00Z")
DAY_MS = 86_400_000


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path / "history.db")) as con:
        migrate(con)
        yield con


def table(*rows: str, name: str = "visits.csv") -> Table:
    return Table(name, "\n".join((HEADER, *rows)).encode())


def sites(text: str) -> Table:
    return Table("sites.csv", f"site,live_from\n{text}\n".encode())


def at(text: str) -> int:
    return milliseconds(f"{text}T12:00:00Z")


def imported(tmp_path: Path, capsys: pytest.CaptureFixture[str], *rows: str, code: int = 0) -> dict[str, object]:
    """What `handover import visits --json` prints for a file of these rows."""
    (tmp_path / "visits.csv").write_text("\n".join((HEADER, *rows)))
    (tmp_path / "sites.csv").write_text(SITES)
    files = [str(tmp_path / "visits.csv"), "--switch-on", str(tmp_path / "sites.csv")]
    assert main(["import", "visits", *files, "--database", str(tmp_path / "h.db"), "--json"]) == code
    facts: dict[str, object] = json.loads(capsys.readouterr().out)
    return facts


# -- the command --------------------------------------------------------------
def test_visits_are_taken_in_once_however_often_the_file_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = imported(tmp_path, capsys, ONE, TWO)
    again = imported(tmp_path, capsys, ONE, TWO)
    more = imported(tmp_path, capsys, ONE, TWO, TWO.replace("v2,j2", "v4,j4"))
    assert [(one["visits"], one["switched_on"]) for one in (first, again, more)] == [(2, 1), (0, 0), (1, 0)]
    assert [one["is_baseline"] for one in (first, again, more)] == [True, False, False]


def test_a_bad_row_is_quarantined_with_line_field_and_remedy_and_holds_up_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = imported(tmp_path, capsys, ONE, BAD, TWO)
    assert facts["visits"] == 2
    assert facts["quarantined"] == [
        {
            "file": "visits.csv",
            "line": 3,
            "field": "departed_at",
            "found": "2025-03-06T07:00:00Z",
            "remedy": "Let the visit end after it began.",
        }
    ]


def test_the_words_say_what_was_taken_in_and_what_is_to_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "visits.csv").write_text(f"{HEADER}\n{ONE}\n{BAD}")
    assert main(["import", "visits", str(tmp_path / "visits.csv"), "--database", str(tmp_path / "h.db")]) == 0
    said = capsys.readouterr().out
    assert "1 visit taken in; each counts from its own end on: the baseline" in said
    assert "1 row quarantined" in said
    assert "visits.csv line 3, departed_at: 2025-03-06T07:00:00Z. Let the visit end after it began." in said


@pytest.mark.parametrize(
    ("visits", "live_from", "said"),
    [
        (None, None, "There is no such file"),
        (b"", None, "no column 'visit'"),
        (b"visit,job\nv1,j1\n", None, "no column 'site'"),
        (HEADER.encode() + b",colour\n", None, "column 'colour' is not known"),
        (HEADER.encode() + b"\xff\nv", None, "not UTF-8"),
        (f"{HEADER}\n{ONE}".encode(), b"place,live_from\n", "no column 'site'"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_ends_with_2_and_changes_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    visits: bytes | None,
    live_from: bytes | None,
    said: str,
) -> None:
    files = [str(tmp_path / "visits.csv")]
    if visits is not None:
        (tmp_path / "visits.csv").write_bytes(visits)
    if live_from is not None:
        (tmp_path / "sites.csv").write_bytes(live_from)
        files += ["--switch-on", str(tmp_path / "sites.csv")]
    database = tmp_path / "h.db"
    assert main(["import", "visits", *files, "--database", str(database)]) == 2
    assert said in capsys.readouterr().err
    if database.exists():
        with closing(connect(database)) as con:
            assert con.execute("SELECT count(*) FROM past_visit").fetchone() == (0,)


# -- what is held -------------------------------------------------------------
def test_a_mended_file_of_the_same_name_empties_the_quarantine(con: sqlite3.Connection) -> None:
    def left() -> list[tuple[str, int, str]]:
        return con.execute("SELECT source, line, field FROM quarantined_row ORDER BY source, line").fetchall()

    import_visits(con, table(ONE, BAD), None, NOW)
    import_visits(con, table(BAD, name="other.csv"), None, NOW)
    both = [("visits other.csv", 2, "departed_at"), ("visits visits.csv", 3, "departed_at")]
    assert left() == both
    import_visits(con, table(ONE, BAD), None, NOW)
    assert left() == both
    mended = BAD.replace("T07:00", "T17:00")
    assert import_visits(con, table(ONE, mended), None, NOW).visits == 1
    assert left() == both[:1]


def test_a_row_that_says_otherwise_of_a_visit_that_is_held_is_quarantined(con: sqlite3.Connection) -> None:
    import_visits(con, table(ONE), None, NOW)
    came = import_visits(con, table(ONE.replace("north", "south"), TWO), None, NOW)
    assert came.visits == 1
    assert [(one.line, one.field) for one in came.quarantined] == [(2, "site")]
    assert {one.visit.id: one.visit.site for one in material(con, NOW).received} == {"v1": "north", "v2": "north"}


def test_a_file_that_cannot_be_read_is_a_bad_table(con: sqlite3.Connection) -> None:
    with pytest.raises(Problem) as caught:
        import_visits(con, Table("visits.csv", b"\x00"), None, NOW)
    assert caught.value.kind is BAD_TABLE


def test_the_baseline_counts_from_when_each_visit_was_over(con: sqlite3.Connection) -> None:
    going_on = "v5,j5,north,corrective,pump,2025-04-01T08:00:00Z,,"
    import_visits(con, table(ONE, TWO, going_on), None, NOW)
    assert [one.visit.id for one in material(con, at("2025-03-02")).received] == ["v1"]
    assert [one.visit.id for one in material(con, at("2025-03-06")).received] == ["v1", "v2"]
    assert [one.visit.id for one in material(con, NOW).received] == ["v1", "v2", "v5"]
    assert material(con, at("2025-03-02")).later == 2


def test_what_is_imported_later_changes_no_number_of_before(con: sqlite3.Connection) -> None:
    import_visits(con, table(ONE), None, NOW)
    before = material(con, NOW + DAY_MS)
    import_visits(con, table(TWO), None, NOW + 2 * DAY_MS)
    assert msgspec.structs.replace(material(con, NOW + DAY_MS), later=0) == before
    assert material(con, NOW + DAY_MS).later == 1
    assert [one.visit.id for one in material(con, NOW + 3 * DAY_MS).received] == ["v1", "v2"]


def test_a_switch_on_that_moved_counts_from_then_on(con: sqlite3.Connection) -> None:
    came = import_visits(con, table(ONE), sites("north,2025-06-01T00:00:00Z\nsouth,"), NOW)
    assert (came.switched_on, came.moved, came.quarantined_sites) == (1, 0, ())
    moved = import_visits(
        con, table(ONE), sites("north,2025-07-01T00:00:00Z\neast,2025-08-01T00:00:00Z"), NOW + 2 * DAY_MS
    )
    assert (moved.switched_on, moved.moved) == (1, 1)
    june, july, august = (milliseconds(f"2025-{month}-01T00:00:00Z") for month in ("06", "07", "08"))
    assert material(con, at("2025-05-01")).switch_on == {}
    assert material(con, at("2025-06-02")).switch_on == {"north": june}
    assert material(con, NOW + DAY_MS).switch_on == {"north": june}
    assert material(con, NOW + 3 * DAY_MS).switch_on == {"north": july, "east": august}


def test_a_site_with_a_moment_that_cannot_be_read_is_quarantined_and_the_others_go_in(con: sqlite3.Connection) -> None:
    came = import_visits(con, table(ONE), sites("north,soon\nsouth,2025-06-01T00:00:00Z"), NOW)
    assert [(one.line, one.field, one.found) for one in came.quarantined_sites] == [(2, "live_from", "soon")]
    assert list(material(con, NOW).switch_on) == ["south"]


def test_the_order_of_severity_stays_until_it_is_set_anew(con: sqlite3.Connection) -> None:
    assert material(con, NOW).severity == ()
    keep_severity(con, ("worst", "bad"))
    keep_severity(con, ("bad", "worst"))
    assert material(con, NOW).severity == ("bad", "worst")


def test_a_visit_comes_out_as_it_went_in(con: sqlite3.Connection) -> None:
    import_visits(con, table(ONE), None, NOW)
    whole = Visit(
        id="v1",
        job="j1",
        site="north",
        type="corrective",
        asset="pump",
        arrived_ms=milliseconds("2025-03-01T08:00:00Z"),
        departed_ms=milliseconds("2025-03-01T09:00:00Z"),
        outcome="done",
    )
    assert material(con, NOW).received == (Received(whole, milliseconds("2025-03-01T09:00:00Z")),)


def test_only_the_sites_asked_for_are_given_out(con: sqlite3.Connection) -> None:
    south = TWO.replace("v2,j2,north", "v6,j6,south")
    import_visits(con, table(ONE, south), sites("north,2025-06-01T00:00:00Z\nsouth,2025-06-01T00:00:00Z"), NOW)
    found = material(con, NOW, frozenset({"south"}))
    assert [one.visit.id for one in found.received] == ["v6"]
    assert list(found.switch_on) == ["south"]
    assert found.later == 0
