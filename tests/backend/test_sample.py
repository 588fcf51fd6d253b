"""The sample organisation: whole in every week, put in once, and nobody's own rows touched by it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.commands import people, sample
from backend.config import Settings
from backend.intake import open_door
from backend.master import PERSON, PersonRow, find, put
from backend.masters.sheets import SHEETS
from backend.masters.taking import plan
from backend.sample import put_sample_in, sample_lines
from tests.backend.master_rows import nothing
from tests.backend.people import NOON, FixedWorld

WEEK_MS = 7 * 86_400_000


@given(week=st.integers(0, 2_000))
def test_every_row_of_it_can_stand_in_any_week(week: int) -> None:
    planned = plan(sample_lines(NOON + week * WEEK_MS, "Europe/Berlin"), nothing())
    assert not planned.bad
    assert {change.sheet for change in planned.changes} == {sheet.name for sheet in SHEETS}


def test_it_is_the_same_all_week_and_its_days_move_with_the_week() -> None:
    monday, friday = NOON, NOON + 4 * 86_400_000
    assert sample_lines(monday, "UTC") == sample_lines(friday, "UTC")
    assert sample_lines(monday, "UTC") != sample_lines(monday + WEEK_MS, "UTC")


def test_somebody_who_has_a_name_of_the_sample_keeps_what_is_said_of_him(tmp_path: Path) -> None:
    mira = PersonRow(name="The first Mira", roles=("admin",), sites=("*",))
    with open_door(Settings(database=tmp_path / "x.db"), FixedWorld()) as (door, con):
        door.write_now(con, lambda writing: put(writing.con, PERSON, "mira", mira, by="test", now_ms=NOON))
        door.write_now(con, lambda writing: put_sample_in(door, writing, by="mira"))
        assert find(con, PERSON, "mira") == mira
        crews = door.write_now(con, lambda writing: writing.documents.roster()[1].roster.teams)
    assert "crew-north" in crews


def test_the_command_puts_it_in_once_and_not_where_something_is_set_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ("--database", str(tmp_path / "x.db"))
    assert sample.main(["--json", *base]) == 0
    assert json.loads(capsys.readouterr().out)["sheets"]["sites"]["new"] == 14
    assert sample.main([*base]) == 2
    assert "already" in capsys.readouterr().err
    other = ("--database", str(tmp_path / "y.db"))
    assert people.main(["add", "anna", "--role", "technician", *other]) == 0
    assert sample.main([*other]) == 2
