"""Master data through the door: taken once however often it is sent, versions by whom, ends now and to come."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from backend.commands import exports, imports, people
from backend.escalation import Escalation
from backend.intake import Intake
from backend.master import SITE, find
from backend.masters.book import data_book, read_file
from backend.masters.cells import BadCell, read_row
from backend.masters.files import file_of, files, keep_file, looked_at, take_file
from backend.masters.keeping import counts, history, in_force, keep, stay, stop, used_by
from backend.masters.sheets import BY_NAME, SHEETS
from backend.masters.taking import Counts, held_rows, plan
from backend.pages.catalogue import page_words
from backend.writing import Writing
from sync.problems import CHANGED_SINCE, NOT_FOUND, STILL_NAMED, TAKEN, WRONG_INPUT, Problem, ProblemKind
from tests.backend.master_rows import after, examples, nothing
from tests.backend.people import NOON, FixedWorld, Staff
from tests.backend.test_workbooks import WHOLE, made

pytestmark = pytest.mark.anyio
WORDS = page_words("en")
SITES = BY_NAME["sites"]
DAY_MS = 86_400_000


def whole_book() -> bytes:
    return data_book(after(nothing(), plan(examples(), nothing())), SHEETS, WORDS)


async def test_a_file_is_taken_in_one_transaction_and_the_same_again_makes_no_version(intake: Intake) -> None:
    raw = whole_book()
    sent = read_file("all.xlsx", raw)

    def send(writing: Writing) -> str:
        return keep_file(intake.door, writing, "all.xlsx", raw, by="ada")

    first = await intake.do(send)
    assert (await intake.do(lambda writing: looked_at(writing.con, sent))).total.new == len(SHEETS) - 1
    assert not await intake.do(lambda writing: find(writing.con, SITE, "mill"))
    came = await intake.do(lambda writing: take_file(intake.door, writing, first, sent, by="ada"))
    assert came.total == Counts(new=len(SHEETS) - 1, changed=2)
    again = await intake.do(
        lambda writing: take_file(intake.door, writing, sent_again(writing, intake, raw), sent, by="bo")
    )
    assert again.total == Counts(same=len(SHEETS) + 1)
    versions = await intake.do(lambda writing: history(writing.con, SITES, "mill"))
    assert [(one.number, one.by) for one in versions] == [(1, "ada")]
    roster = await intake.do(lambda writing: writing.documents.roster()[1].roster)
    assert "crew-1" in roster.teams
    kept = await intake.do(lambda writing: files(writing.con))
    assert {one.name for one in kept} == {"all.xlsx"}
    assert all(one.taken_at == NOON for one in kept)


def sent_again(writing: Writing, intake: Intake, raw: bytes) -> str:
    return keep_file(intake.door, writing, "all.xlsx", raw, by="bo")


async def test_only_the_newest_files_are_kept_and_one_that_is_gone_is_said(intake: Intake) -> None:
    def send(writing: Writing) -> str:
        return keep_file(intake.door, writing, "x.xlsx", WHOLE, by="ada")

    first = await intake.do(send)
    for _ in range(12):
        assert isinstance(intake.door.world, FixedWorld)
        intake.door.world.clock_ms += 1
        await intake.do(send)
    assert len(await intake.do(lambda writing: files(writing.con))) == 10
    with pytest.raises(Problem) as gone:
        await intake.do(lambda writing: file_of(writing.con, first))
    assert gone.value.kind is NOT_FOUND


def put_site(intake: Intake, writing: Writing, was: tuple[str, int] | None, **cells: str) -> bool:
    row = read_row(SITES, cells)
    return keep(intake.door, writing, SITES, cells["id"], row, by="ada", was=was)


async def refused(intake: Intake, was: tuple[str, int] | None, **cells: str) -> ProblemKind:
    with pytest.raises(Problem) as problem:
        await intake.do(lambda writing: put_site(intake, writing, was, **cells))
    return problem.value.kind


async def test_a_row_is_changed_on_what_was_seen_and_its_history_says_who_and_what(intake: Intake) -> None:
    assert await intake.do(lambda writing: put_site(intake, writing, None, id="mill", name="Mill"))
    assert await refused(intake, None, id="mill", name="Another") is TAKEN
    assert await intake.do(lambda writing: put_site(intake, writing, ("mill", 1), id="mill", name="The mill"))
    assert await refused(intake, ("mill", 1), id="mill", name="His mill") is CHANGED_SINCE
    assert not await intake.do(lambda writing: put_site(intake, writing, ("mill", 2), id="mill", name="The mill"))
    newest, oldest = await intake.do(lambda writing: history(writing.con, SITES, "mill"))
    assert newest.changes == (("name", "Mill", "The mill"),)
    assert (newest.by, newest.until, oldest.ended_by, oldest.until) == ("ada", None, "ada", NOON)


async def test_what_others_name_does_not_end_and_it_is_said_who_does(intake: Intake) -> None:
    sent = read_file("all.xlsx", whole_book())
    await intake.do(lambda writing: take_file(intake.door, writing, sent_again(writing, intake, b""), sent, by="ada"))
    with pytest.raises(Problem) as named:
        await intake.do(lambda writing: stop(intake.door, writing, SITES, "mill", by="ada", day="2026-09-21"))
    assert named.value.kind is STILL_NAMED
    for row in ("points mill-cellar", "assets mill-chiller", "customers mill-works", "crews crew-1"):
        assert row in named.value.detail
    rows, jobs = await intake.do(lambda writing: used_by(writing.con, BY_NAME["skills"], "cooling"))
    assert {(use.sheet, use.id) for use in rows} == {("people", "anna"), ("intents", "repair-cooling")}
    assert jobs == 0


async def test_a_site_with_open_jobs_does_not_end(intake: Intake, staff: Callable[[str], Awaitable[Staff]]) -> None:
    dora = await staff("dora")
    await dora.open_job(site="south")
    with pytest.raises(Problem) as named:
        await intake.do(lambda writing: stop(intake.door, writing, SITES, "south", by="ada", day="2026-09-21"))
    assert "1 open job" in named.value.detail


async def test_a_row_ends_today_or_when_a_day_to_come_is_over(intake: Intake, world: FixedWorld) -> None:
    await intake.do(lambda writing: put_site(intake, writing, None, id="mill"))
    await intake.do(lambda writing: put_site(intake, writing, None, id="quay"))
    with pytest.raises(Problem) as over:
        await intake.do(lambda writing: stop(intake.door, writing, SITES, "mill", by="ada", day="2026-09-20"))
    assert over.value.kind is WRONG_INPUT
    await intake.do(lambda writing: stop(intake.door, writing, SITES, "mill", by="ada", day="2026-09-21"))
    assert await intake.do(lambda writing: find(writing.con, SITE, "mill")) is None
    at_ms = await intake.do(lambda writing: stop(intake.door, writing, SITES, "quay", by="ada", day="2026-09-23"))
    held = await intake.do(lambda writing: in_force(writing.con, SITES, "quay"))
    assert held.leaving is not None
    assert held.leaving.at == at_ms
    await Escalation(intake).due(at_ms - 1)
    assert await intake.do(lambda writing: find(writing.con, SITE, "quay"))
    world.clock_ms = at_ms
    await Escalation(intake).due(at_ms)
    assert await intake.do(lambda writing: find(writing.con, SITE, "quay")) is None
    (version,) = await intake.do(lambda writing: history(writing.con, SITES, "quay"))
    assert (version.until, version.ended_by) == (at_ms, "ada")


async def test_an_end_that_was_set_is_taken_back(intake: Intake) -> None:
    await intake.do(lambda writing: put_site(intake, writing, None, id="quay"))
    await intake.do(lambda writing: stop(intake.door, writing, SITES, "quay", by="ada", day="2026-12-31"))
    await intake.do(lambda writing: stay(writing, SITES, "quay"))
    await Escalation(intake).due(NOON + 400 * DAY_MS)
    assert await intake.do(lambda writing: find(writing.con, SITE, "quay"))


async def test_a_row_named_by_its_content_ends_under_its_old_name_when_that_changes(intake: Intake) -> None:
    sheet = BY_NAME["holidays"]
    first = read_row(sheet, {"region": "DE-BE", "day": "2027-05-01", "name": "Labour Day"})
    other = read_row(sheet, {"region": "DE-BE", "day": "2027-05-02", "name": "Labour Day"})
    old, new = sheet.id_of(first), sheet.id_of(other)
    await intake.do(lambda writing: keep(intake.door, writing, sheet, old, first, by="ada", was=None))
    await intake.do(lambda writing: keep(intake.door, writing, sheet, new, other, by="ada", was=(old, 1)))
    assert list((await intake.do(lambda writing: held_rows(writing.con)))["holiday"]) == [new]
    assert (await intake.do(lambda writing: counts(writing.con)))["holidays"] == 1


async def test_a_row_that_names_nothing_there_is_refused_at_the_door(intake: Intake) -> None:
    with pytest.raises(BadCell) as bad:
        await intake.do(lambda writing: put_site(intake, writing, None, id="mill", hours="never"))
    assert (bad.value.field, bad.value.remedy) == ("hours", "unknown")


# -- commands ---------------------------------------------------------------------
def test_commands_bring_master_data_in_and_out_and_say_what_was_put_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ("--database", str(tmp_path / "x.db"))
    book = tmp_path / "all.xlsx"
    book.write_bytes(whole_book())
    assert people.main(["add", "ada", "--role", "admin", *base]) == 0
    assert imports.main(["master", str(book), "--check", "--json", *base]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["new"] == len(SHEETS) + 1
    assert imports.main(["master", str(book), *base]) == 0
    assert f"{len(SHEETS) + 1} new and 0 changed rows are taken in" in capsys.readouterr().out
    bad = tmp_path / "sites.csv"
    bad.write_text("id,zone,lat\nquay,Europe/London,51.5\nnowhere,Nowhere/At-all,0\nfar,UTC,way off\n")
    assert imports.main(["master", str(bad), "--json", *base]) == 0
    came = json.loads(capsys.readouterr().out)
    assert (came["total"]["new"], came["total"]["bad"]) == (1, 2)
    assert [(one["line"], one["field"]) for one in came["quarantined"]] == [(3, "zone"), (4, "lat")]
    assert all(one["remedy"] for one in came["quarantined"])
    out = tmp_path / "out.xlsx"
    assert exports.main(["master", str(out), *base]) == 0
    assert imports.main(["master", str(out), "--json", *base]) == 0
    capsys.readouterr()
    assert exports.main(["master", str(tmp_path / "customers.csv"), *base]) == 0
    assert "'+49 331 5550100" in (tmp_path / "customers.csv").read_text()
    assert exports.main(["master", str(out), "--template", "--language", "ar"]) == 0


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("x.xlsx", b"PK", "damaged"),
        ("x.csv", b"id\n", "name a CSV file after its sheet"),
        ("sites.csv", b"name\nx\n", "no column 'id'"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_ends_with_2_and_a_sentence(
    name: str, raw: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(raw)
    assert imports.main(["master", str(tmp_path / name), "--database", str(tmp_path / "x.db")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_heading_that_is_not_known_holds_its_sheet_up_and_no_other() -> None:
    def fill(sheet: Worksheet, book: xlsxwriter.Workbook) -> None:
        sheet.write_row(0, 0, ["id", "name", "#mine", "latitude"])
        sheet.write_row(1, 0, ["mill", "The mill", "mine", "52.5"])
        skills = book.add_worksheet("Skills")
        skills.write_row(2, 0, ["ID", " name "])
        skills.write_row(3, 0, ["cooling", "Cooling"])
        skills.write_row(4, 0, ["# heating", "an example"])
        book.add_worksheet("what I did not know")

    sent = read_file("mine.xlsx", made(fill))
    assert [(one.sheet, one.field, one.remedy) for one in sent.bad] == [("sites", "latitude", "column")]
    assert [(one.sheet, one.line, one.cells) for one in sent.lines] == [
        ("skills", 4, {"id": "cooling", "name": "Cooling"})
    ]
    assert sent.strangers == ("what I did not know",)
