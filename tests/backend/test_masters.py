"""What an organisation sets up once: what its rows mean to everything that reads them."""

import pytest
from msgspec import Struct

from backend.intake import Intake
from backend.master import CREW, PERSON, TEAM, CrewRow, PersonRow, SiteRow, TeamRow, find, put
from backend.masters.rows import ASSET, ArticleRow, AssetRow, ContactRow, CustomerRow
from backend.masters.scope import reads, seen_by
from backend.masters.sheets import BY_NAME
from backend.reach import EVERY_SITE
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


# -- who reads what ---------------------------------------------------------------
MILL = {"site:mill"}
ROWS = {
    ("site", "mill"): SiteRow(),
    ("site", "quay"): SiteRow(),
    ("customer", "both"): CustomerRow(sites=("mill", "quay")),
    ("customer", "far"): CustomerRow(sites=("quay",)),
    ("customer", "none"): CustomerRow(),
}


@pytest.mark.parametrize(
    ("sheet", "id_", "row", "is_read"),
    [
        ("sites", "mill", SiteRow(), True),
        ("sites", "quay", SiteRow(), False),
        ("assets", "x", AssetRow(site="mill"), True),
        ("assets", "x", AssetRow(site="quay"), False),
        ("customers", "both", ROWS["customer", "both"], True),
        ("customers", "far", ROWS["customer", "far"], False),
        ("customers", "none", ROWS["customer", "none"], False),
        ("contacts", "x", ContactRow(customer="both"), True),
        ("contacts", "x", ContactRow(customer="both", sites=("quay",)), False),
        ("contacts", "x", ContactRow(customer="far"), False),
        ("articles", "x", ArticleRow(), True),
    ],
)
def test_a_row_is_read_by_whose_scope_its_sites_are_in(sheet: str, id_: str, row: Struct, is_read: bool) -> None:
    def look(kind: str, named: str) -> object:
        return ROWS.get((kind, named))

    assert reads(BY_NAME[sheet], id_, row, MILL, look) == is_read
    assert reads(BY_NAME[sheet], id_, row, {EVERY_SITE}, look)
    assert reads(BY_NAME[sheet], id_, row, {"party:anna"}, look) == (sheet == "articles")


def test_what_a_row_names_out_of_scope_is_not_shown_with_it() -> None:
    def look(kind: str, named: str) -> object:
        return ROWS.get((kind, named))

    both = seen_by(BY_NAME["customers"], ROWS["customer", "both"], MILL, look)
    assert both.sites == ("mill",)
    asset = AssetRow(site="mill", customer="far", serial="7")
    assert seen_by(BY_NAME["assets"], asset, MILL, look) == AssetRow(site="mill", serial="7")
    assert seen_by(BY_NAME["assets"], asset, {EVERY_SITE}, look) == asset
