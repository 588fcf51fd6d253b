"""Orders from a file into jobs, by the command and over what is recorded."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.commands.console import written
from backend.config import Settings
from backend.exchange.orders import read_orders
from backend.master import SITE, SiteRow, put
from backend.order_imports import Said, import_orders
from sync.codec import read_event
from trial.cli import main

HEADER = "source,id,kind,reference,site,asset,customer,window_from,window_to,line,article,qty"
DISPATCH = "fsm,D1,dispatch,,quay,pump,acme,2026-12-01T08:00,2026-12-01T12:00,,,"
GOODS = ("wms,F1,fulfilment,fsm/D1,quay,,,,,10,filter,2", "wms,F1,fulfilment,fsm/D1,quay,,,,,2,belt,1")
STRAY = "wms,F2,fulfilment,fsm/D9,quay,pump,acme,2026-12-01T09:00,2026-12-01T10:00,1,seal,3"

Facts = dict[str, Any]


class Office:
    """A database with one site, and the command on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.database = folder / "office.db"
        self._file = folder / "orders.csv"
        self._capsys = capsys
        assert main(["sites", "add", "quay", "--zone", "Europe/London", "--database", str(self.database)]) == 0

    def take_in(self, *rows: str, code: int = 0, more: tuple[str, ...] = ()) -> Facts:
        """What the command prints as JSON for these rows."""
        facts: Facts = json.loads(self.said(*rows, code=code, more=("--json", *more)))
        return facts

    def said(self, *rows: str, code: int = 0, more: tuple[str, ...] = (), header: str = HEADER) -> str:
        """What the command prints; for problems, what it prints there."""
        self._file.write_text("\n".join((header, *rows)))
        self._capsys.readouterr()
        assert main(["import", "orders", str(self._file), "--database", str(self.database), *more]) == code
        printed = self._capsys.readouterr()
        return printed.err if code else printed.out

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as con:
            return con.execute(sql).fetchall()

    def kinds(self) -> list[str]:
        """The kinds of what was recorded of jobs and orders, in order."""
        rows = self.query("SELECT bytes FROM event WHERE position IS NOT NULL ORDER BY position")
        found = [read_event(raw).kind for (raw,) in rows]
        return [kind for kind in found if kind.startswith(("job.", "order."))]

    def orders(self) -> dict[str, Facts]:
        """Every order in force, by name and job."""
        rows = self.query("SELECT name, body FROM order_row")
        return {name: json.loads(body) for name, body in rows}


@pytest.fixture
def office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path, capsys)


def counts(facts: Facts) -> dict[str, int]:
    names = ("opened", "attached", "changed", "same", "waiting")
    return {name: facts[name] for name in names if facts[name]}


def test_a_dispatch_order_opens_a_job_of_the_desks_and_what_refers_to_it_hangs_on_it(office: Office) -> None:
    facts = office.take_in(*GOODS, DISPATCH)
    assert counts(facts) == {"opened": 1, "attached": 1}
    assert office.kinds() == ["job.opened", "order.imported", "order.imported"]
    [(accountable, type_, orders)] = office.query(
        "SELECT accountable, body ->> '$.type', body ->> '$.orders' FROM job_row"
    )
    assert (accountable, type_, json.loads(orders)) == ("desk", "corrective", ["fsm/D1", "wms/F1"])
    goods = office.orders()["wms/F1"]["order"]["lines"]
    assert [(line["line"], line["article"], line["qty"]) for line in goods] == [("10", "filter", 2), ("2", "belt", 1)]


def test_the_same_content_again_is_no_event_whatever_the_order_of_its_lines(office: Office) -> None:
    office.take_in(DISPATCH, *GOODS, STRAY)
    before = office.kinds()
    again = office.take_in(STRAY, *GOODS[::-1], DISPATCH)
    assert counts(again) == {"same": 3}
    assert office.kinds() == before


def test_other_content_is_a_change_that_replaces_what_was_in_force(office: Office) -> None:
    office.take_in(DISPATCH, *GOODS)
    before = office.orders()["wms/F1"]["event"]
    for qty in ("5", "6"):
        facts = office.take_in(DISPATCH, GOODS[0].removesuffix("2") + qty, GOODS[1])
        assert counts(facts) == {"changed": 1, "same": 1}
    now = office.orders()["wms/F1"]
    assert [line["qty"] for line in now["order"]["lines"]] == [6, 1]
    assert office.kinds().count("order.changed") == 2
    assert before not in (now["event"], *now["order"]["replaces"])
    assert len(now["order"]["replaces"]) == 1


def test_absent_from_a_later_file_is_nothing(office: Office) -> None:
    office.take_in(DISPATCH, *GOODS)
    before = office.kinds()
    assert counts(office.take_in(DISPATCH)) == {"same": 1}
    assert office.kinds() == before


def test_an_order_that_refers_to_nothing_waits_with_candidates_and_their_reasons(office: Office) -> None:
    facts = office.take_in(DISPATCH, STRAY)
    assert counts(facts) == {"opened": 1, "waiting": 1}
    [(job,)] = office.query("SELECT id FROM job_row")
    assert facts["left"] == [
        {
            "order": "wms/F2",
            "reference": "fsm/D9",
            "site": "quay",
            "fitting": 1,
            "candidates": [{"job": job, "reasons": ["same site", "same asset", "same customer", "windows overlap"]}],
        }
    ]
    assert office.orders()["wms/F2"]["job"] == ""
    said = office.said(DISPATCH, STRAY)
    assert "wms/F2 waits for a person to say where it belongs (nothing is called fsm/D9)" in said
    assert f"job {job}: same site, same asset, same customer, windows overlap" in said


def test_another_asset_is_no_candidate_and_more_than_ten_are_counted(office: Office) -> None:
    dispatches = [f"fsm,E{at},dispatch,,quay,,,,,,," for at in range(12)]
    [left] = office.take_in(DISPATCH.replace("pump", "lift"), *dispatches, STRAY)["left"]
    assert (left["fitting"], len(left["candidates"])) == (12, 10)
    assert "and 2 more jobs" in office.said(DISPATCH.replace("pump", "lift"), *dispatches, STRAY)


def test_an_order_that_waited_hangs_on_the_job_once_its_dispatch_order_comes(office: Office) -> None:
    assert counts(office.take_in(*GOODS)) == {"waiting": 1}
    assert counts(office.take_in(DISPATCH)) == {"opened": 1, "attached": 1}
    assert office.orders()["wms/F1"]["job"] != ""
    assert office.take_in(*GOODS)["left"] == []


def test_an_order_that_waited_hangs_on_the_job_once_its_reference_is_mended(office: Office) -> None:
    office.take_in(DISPATCH, STRAY)
    facts = office.take_in(STRAY.replace("D9", "D1"))
    assert counts(facts) == {"attached": 1}
    assert facts["left"] == []
    assert office.kinds().count("job.opened") == 1


def test_a_reference_is_a_jobs_id_or_an_orders_id_where_only_one_source_has_it(office: Office) -> None:
    office.take_in(DISPATCH)
    [(job,)] = office.query("SELECT id FROM job_row")
    by_job, by_id = GOODS[0].replace("fsm/D1", job), GOODS[0].replace("fsm/D1", "D1").replace("F1", "F3")
    assert counts(office.take_in(by_job, by_id)) == {"attached": 2}
    office.take_in(DISPATCH.replace("fsm", "other"))
    assert counts(office.take_in(by_id.replace("F3", "F4"))) == {"waiting": 1}


def test_a_bad_row_is_quarantined_with_its_remedy_and_the_rest_goes_in(office: Office) -> None:
    facts = office.take_in(DISPATCH, "fsm,D2,dispatch,,nowhere,,,,,,,", GOODS[0].removesuffix("2") + "two")
    assert counts(facts) == {"opened": 1}
    assert [(bad["file"], bad["line"], bad["field"], bad["found"]) for bad in facts["quarantined"]] == [
        ("orders.csv", 3, "site", "nowhere"),
        ("orders.csv", 4, "qty", "two"),
    ]
    assert all(bad["remedy"] for bad in facts["quarantined"])
    waiting = "SELECT r.file, a.line FROM order_aside AS a JOIN order_run AS r ON r.id = a.run WHERE a.state = ''"
    assert office.query(waiting) == [("orders.csv", 3), ("orders.csv", 4)]
    office.take_in(DISPATCH)
    assert office.query(waiting) == []


def test_new_jobs_are_held_by_the_team_that_is_named_and_none_is_made_by_a_slip(office: Office) -> None:
    assert main(["people", "team", "north", "--database", str(office.database)]) == 0
    assert office.take_in(DISPATCH, more=("--desk", "north"))["desk"] == "north"
    assert office.query("SELECT accountable FROM job_row") == [("north",)]
    assert "team noth" in office.said(DISPATCH, code=2, more=("--desk", "noth"))
    assert office.query("SELECT count(DISTINCT id) FROM master WHERE kind = 'team'") == [(2,)]


@pytest.mark.parametrize("spoilt", ["fsm,D0,dispatch,\x00", 'fsm,D0,dispatch,"', 'fsm,D0,dispatch,"x"y,quay'])
def test_a_row_that_nobody_can_read_swallows_no_other(office: Office, spoilt: str) -> None:
    facts = office.take_in(spoilt, DISPATCH, *GOODS)
    assert counts(facts) == {"opened": 1, "attached": 1}
    assert [(bad["line"], bad["field"]) for bad in facts["quarantined"]] == [(2, "reference")]


@pytest.mark.parametrize("header", ["source,id,kind,\x00", 'source,id,kind,"site', "source,id,kind"])
def test_a_file_that_cannot_be_read_as_a_whole_ends_with_2(office: Office, header: str) -> None:
    assert "This table cannot be read" in office.said(DISPATCH, code=2, header=header)
    assert office.kinds() == []


def test_what_is_imported_stays_as_it_is_when_projections_are_made_anew(office: Office) -> None:
    office.take_in(*GOODS, STRAY)
    office.take_in(DISPATCH, STRAY.removesuffix("3") + "4")
    tables = ("SELECT * FROM order_row ORDER BY name, job", "SELECT * FROM job_row ORDER BY job")
    before = [office.query(sql) for sql in tables]
    assert main(["rebuild", "--database", str(office.database)]) == 0
    assert [office.query(sql) for sql in tables] == before


def test_an_order_taken_back_in_a_file_is_told_as_such(office: Office) -> None:
    office.take_in(DISPATCH, *GOODS)
    header = "source,id,cancelled,reason"
    said = office.said("fsm,D1,yes,sold", "fsm,D8,true,", header=header)
    assert "1 order cancelled" in said
    assert office.query("SELECT state FROM job_row") == [("cancelled",)]
    assert "0 jobs opened" in office.said("fsm,D1,yes,sold", header=header)


def test_who_brought_a_file_when_and_what_came_of_it_is_kept(office: Office) -> None:
    office.take_in(DISPATCH, *GOODS, STRAY.removesuffix("3") + "three")
    [(file, by, rows, aside, body)] = office.query("SELECT file, made_by, rows, aside, body FROM order_run")
    assert (file, by, rows, aside) == ("orders.csv", "command line", 4, 1)
    assert counts(json.loads(body) | {"attached": 1}) == {"opened": 1, "attached": 1}


# -- whatever the order of rows, and however they are cut into files -----------
ORDERS: dict[str, tuple[str, ...]] = {
    "fsm/D1": (DISPATCH,),
    "fsm/D2": (DISPATCH.replace("D1", "D2").replace("pump", "lift"),),
    "wms/F1": GOODS,
    "wms/F2": (STRAY,),
    "wms/F3": (
        GOODS[0].replace("F1", "F3").replace("fsm/D1", "D2"),
        GOODS[1].replace("F1", "F3").replace("fsm/D1", "D2"),
    ),
    "wms/F4": (GOODS[0].replace("F1", "F4").replace("fsm/D1", "wms/F1"),),
}
BAD = ("fsm,D5,dispatch,,nowhere,,,,,,,", "wms,F5,fulfilment,,quay,,,,,1,filter,two")


class Files:
    """A database into which files are taken, one after the other."""

    def __init__(self, folder: Path) -> None:
        self._settings = Settings(database=folder / "files.db")
        written(
            self._settings,
            lambda _, writing: put(
                writing.con, SITE, "quay", SiteRow(zone="Europe/London"), by="test", now_ms=writing.now_ms
            ),
        )

    def take_in(self, rows: Sequence[str]) -> None:
        read = read_orders("\n".join((HEADER, *rows)).encode(), {"quay": "Europe/London"})
        written(
            self._settings, lambda door, writing: import_orders(door, writing, read, Said(by="test", via="command"))
        )

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._settings.database)) as con:
            return con.execute(sql).fetchall()

    def events(self) -> Counter[str]:
        """What was recorded of jobs and orders, each by kind and content."""
        found: Counter[str] = Counter()
        for (raw,) in self._query("SELECT bytes FROM event WHERE position IS NOT NULL"):
            event = json.loads(raw)
            if event["kind"].startswith(("job.", "order.")):
                said = {name: text for name, text in event["body"].items() if name not in ("replaces", "roster")}
                found[json.dumps([event["kind"], said], sort_keys=True)] += 1
        return found

    def stand(self) -> dict[str, tuple[str, str]]:
        """Every order in force: what opened the job that it hangs on, and its content."""
        rows = self._query("SELECT o.name, j.body, o.body FROM order_row AS o LEFT JOIN job_row AS j ON j.job = o.job")
        found = {}
        for name, job, body in rows:
            order = json.loads(body)["order"]
            order.pop("replaces", None)
            found[name] = (json.loads(job)["order"] if job else "", json.dumps(order, sort_keys=True))
        assert len(found) == len(rows), "an order stands twice"
        return found


@pytest.fixture(name="whole", scope="module")
def taken_as_one(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """All of it in one file, in the order as written."""
    files = Files(tmp_path_factory.mktemp("whole"))
    files.take_in([row for rows in ORDERS.values() for row in rows] + list(BAD))
    return files


@given(st.permutations([*(row for rows in ORDERS.values() for row in rows), *BAD]))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_rows_changes_what_is_recorded(whole: Files, rows: list[str]) -> None:
    with TemporaryDirectory() as folder:
        files = Files(Path(folder))
        files.take_in(rows)
        assert files.events() == whole.events()
        assert files.stand() == whole.stand()
        files.take_in(rows[::-1])
        assert files.events() == whole.events()


@given(
    st.permutations(sorted(ORDERS)), st.lists(st.booleans(), min_size=6, max_size=6), st.randoms(use_true_random=False)
)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_cut_into_files_changes_what_stands_and_nothing_is_recorded_twice(
    whole: Files, names: list[str], cuts: list[bool], rng: Random
) -> None:
    parts: list[list[str]] = [[]]
    for name, cut in zip(names, cuts, strict=True):
        parts[-1] += ORDERS[name]
        if cut:
            parts.append([])
    with TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for part in parts:
            files.take_in(part)
        for row in BAD:
            files.take_in([row])
        assert files.stand() == whole.stand()
        events = files.events()
        assert sum(kind.startswith('["job.opened"') for kind in events.elements()) == 2
        rng.shuffle(parts)
        for part in parts:
            files.take_in(part)
        assert files.events() == events
