"""What an organisation sets up once: what its rows mean to everything that reads them."""

import pytest

from backend.intake import Intake
from backend.master import CREW, PERSON, TEAM, CrewRow, PersonRow, TeamRow, find, put
from backend.masters.rows import ASSET, AssetRow
from backend.writing import Writing
from sync.policy import Roster
from sync.problems import BAD_NAME, TAKEN, Problem

pytestmark = pytest.mark.anyio


async def test_a_crew_is_a_party_of_its_members_as_long_as_it_is_in_force(intake: Intake) -> None:
    def form(writing: Writing) -> Roster:
        crew = CrewRow(name="North crew", members=("anna", "bo"))
        put(writing.con, CREW, "crew-1", crew, by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)
        assert writing.documents.names_now().names["crew-1"] == "North crew"
        return writing.documents.roster()[1].roster

    roster = await intake.do(form)
    assert "crew-1" in roster.teams
    assert [name for name, one in roster.people.items() if "crew-1" in one.teams] == ["anna", "bo"]


@pytest.mark.parametrize("name", ["anna", "desk"])
async def test_no_crew_is_called_as_a_person_or_a_team_is(intake: Intake, name: str) -> None:
    with pytest.raises(Problem) as refused:
        await intake.do(lambda writing: put(writing.con, CREW, name, CrewRow(), by="test", now_ms=1))
    assert refused.value.kind is TAKEN
    await intake.do(lambda writing: put(writing.con, CREW, "crew-1", CrewRow(), by="test", now_ms=1))
    with pytest.raises(Problem):
        await intake.do(lambda writing: put(writing.con, PERSON, "crew-1", PersonRow(), by="test", now_ms=1))
    with pytest.raises(Problem):
        await intake.do(lambda writing: put(writing.con, TEAM, "crew-1", TeamRow(), by="test", now_ms=1))


async def test_no_crew_is_called_as_a_role_is(intake: Intake) -> None:
    with pytest.raises(Problem) as refused:
        await intake.do(lambda writing: put(writing.con, CREW, "role:depot", CrewRow(), by="test", now_ms=1))
    assert refused.value.kind is BAD_NAME


async def test_a_row_of_any_kind_is_read_as_it_was_put(intake: Intake) -> None:
    row = AssetRow(name="Pump 7", type="pump", site="north", serial="P7-1")
    assert await intake.do(lambda writing: put(writing.con, ASSET, "pump-7", row, by="test", now_ms=1))
    assert not await intake.do(lambda writing: put(writing.con, ASSET, "pump-7", row, by="test", now_ms=2))
    assert await intake.do(lambda writing: find(writing.con, ASSET, "pump-7")) == row
