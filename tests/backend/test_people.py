"""People and teams as administrators keep them, passwords, one-use links, and tokens that are bound to addresses."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from httpx import AsyncClient

from backend.accounts.links import LIVES_MS, find_link, make_link, use_links
from backend.accounts.passwords import keep_password, password_of, strong_enough
from backend.accounts.sessions import open_session, sessions_of
from backend.accounts.tokens import DAY_MS, TokenAsked, end_token, make_token, tokens_of
from backend.commands import people
from backend.intake import Intake
from backend.limits import MOST_FAILURES, Attempts
from backend.master import CREW, DEVICE, PERSON, TEAM, CrewRow, DeviceRow, PersonRow, TeamRow, find, forget_name, put
from backend.people import link_for, open_jobs_of, save_person, save_team, take_off, take_off_team
from backend.writing import Writing
from sync.codec import encode
from sync.problems import (
    CHANGED_SINCE,
    LAST_ADMIN,
    LINK_OVER,
    NO_SIGN_IN,
    NOT_POSSIBLE_NOW,
    TAKEN,
    TOO_MANY,
    UNKNOWN_PARTY,
    UNKNOWN_SITE,
    WEAK_PASSWORD,
    Problem,
    ProblemKind,
)
from tests.backend.people import FixedWorld, Staff

pytestmark = pytest.mark.anyio
SignIn = Callable[[str], Awaitable[Staff]]
ADA = PersonRow(name="Ada", roles=("admin",), sites=("*",))


async def refused(intake: Intake, kind: ProblemKind, work: Callable[[Writing], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        await intake.do(work)
    assert caught.value.kind is kind
    return caught.value


async def test_what_is_said_of_a_person_reaches_roster_and_names_but_for_address_and_number(intake: Intake) -> None:
    row = PersonRow(name="Eve", roles=("technician",), sites=("north",), email="eve@example.org", phone="+44 20 7946 0")
    await intake.do(lambda writing: save_person(intake.door, writing, "eve", row, by="ada", seen=0))
    roster, names = await intake.do(
        lambda writing: (encode(writing.documents.roster_now()), encode(writing.documents.names_now()))
    )
    assert b'"eve"' in roster
    assert b"Eve" in names
    for document in (roster, names):
        assert b"example.org" not in document
        assert b"7946" not in document


async def test_what_was_changed_meanwhile_is_not_written_over(intake: Intake) -> None:
    anna = await intake.store.reading(lambda con: find(con, PERSON, "anna"))
    assert anna is not None
    one, other = (msgspec.structs.replace(anna, name=name) for name in ("Anna A.", "Anna B."))
    await intake.do(lambda writing: save_person(intake.door, writing, "anna", one, by="ada", seen=1))
    await refused(
        intake, CHANGED_SINCE, lambda writing: save_person(intake.door, writing, "anna", other, by="max", seen=1)
    )
    await refused(intake, TAKEN, lambda writing: save_person(intake.door, writing, "anna", other, by="max", seen=0))
    await refused(
        intake, TAKEN, lambda writing: save_team(intake.door, writing, "anna", TeamRow(name="x"), by="max", seen=0)
    )


@pytest.mark.parametrize(
    ("row", "kind"),
    [(PersonRow(teams=("nobody's",)), UNKNOWN_PARTY), (PersonRow(sites=("nowhere",)), UNKNOWN_SITE)],
)
async def test_teams_and_sites_that_there_are_not_are_refused(
    intake: Intake, row: PersonRow, kind: ProblemKind
) -> None:
    await refused(intake, kind, lambda writing: save_person(intake.door, writing, "eve", row, by="ada", seen=0))


async def test_somebody_administers_always(intake: Intake) -> None:
    door = intake.door
    await intake.do(lambda writing: save_person(door, writing, "ada", ADA, by="ada"))
    lesser = PersonRow(name="Ada", roles=("manager",))
    await refused(intake, LAST_ADMIN, lambda writing: save_person(door, writing, "ada", lesser, by="ada"))
    await refused(intake, LAST_ADMIN, lambda writing: take_off(door, writing, "ada", by="ada"))
    await intake.do(lambda writing: save_person(door, writing, "eve", ADA, by="ada"))
    await intake.do(lambda writing: take_off(door, writing, "ada", by="eve"))


async def test_who_is_taken_off_signs_in_no_more_and_his_open_jobs_are_named(
    intake: Intake, staff: SignIn, world: FixedWorld
) -> None:
    dora = await staff("dora")
    job = await dora.open_job(party="bo")

    def before(writing: Writing) -> None:
        put(writing.con, DEVICE, "phone", DeviceRow(people=("anna", "bo")), by="ada", now_ms=writing.now_ms)
        put(writing.con, CREW, "crew", CrewRow(members=("bo", "cleo")), by="ada", now_ms=writing.now_ms)
        keep_password(writing.con, "bo", "x", writing.now_ms)
        open_session(writing.con, world, "bo", agent="", address="")
        make_token(writing.con, world, "bo", TokenAsked(), by="ada")
        make_link(writing.con, world, "bo", "reset", by="ada")

    await intake.do(before)
    assert await intake.do(lambda writing: take_off(intake.door, writing, "bo", by="ada")) == (job,)

    def after(con: sqlite3.Connection) -> None:
        assert password_of(con, "bo") is None
        assert sessions_of(con, "bo", world.clock_ms) == ()
        assert tokens_of(con, "bo", world.clock_ms) == ()
        assert find(con, DEVICE, "phone") == DeviceRow(people=("anna",))
        assert find(con, CREW, "crew") == CrewRow(members=("cleo",))

    await intake.store.reading(after)


async def test_a_team_that_is_taken_off_leaves_nobody_in_it_and_the_desk_stays(intake: Intake, staff: SignIn) -> None:
    def before(writing: Writing) -> None:
        for team in ("desk", "north"):
            put(writing.con, TEAM, team, TeamRow(name=team), by="ada", now_ms=writing.now_ms)
        put(writing.con, PERSON, "anna", PersonRow(teams=("north",)), by="ada", now_ms=writing.now_ms)
        intake.door.cut(writing)

    await intake.do(before)
    job = await (await staff("dora")).open_job(party="north")
    await refused(intake, NOT_POSSIBLE_NOW, lambda writing: take_off_team(intake.door, writing, "desk", by="ada"))
    assert await intake.do(lambda writing: take_off_team(intake.door, writing, "north", by="ada")) == (job,)
    assert await intake.store.reading(lambda con: find(con, PERSON, "anna")) == PersonRow()
    assert await intake.store.reading(lambda con: open_jobs_of(con, "north")) == (job,)


async def test_who_is_forgotten_has_no_address_and_no_number_in_any_version(intake: Intake) -> None:
    def before(writing: Writing) -> None:
        for phone in ("0123", "0124"):
            row = PersonRow(email="eve@example.org", phone=phone)
            put(writing.con, PERSON, "eve", row, by="ada", now_ms=0)

    await intake.do(before)
    assert await intake.do(lambda writing: forget_name(writing.con, "eve")) == 2
    bodies = await intake.store.reading(
        lambda con: con.execute("SELECT body FROM master WHERE kind = 'person' AND id = 'eve'").fetchall()
    )
    assert bodies == [("{}",), ("{}",)]


# -- passwords ----------------------------------------------------------------
@pytest.mark.parametrize(
    "password",
    [
        "eleven char",
        "passwordpassword",
        "123456789012",
        "qwertyuiop12",
        "iloveyouforever",
        "aaaaaaaaaaaa",
        "abcdefghijkl",
        "annabel.smith1",
        "annabel.smith@example.org",
        "x" * 201,
    ],
)
def test_a_password_that_would_be_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Problem) as caught:
        strong_enough(password, "annabel.smith", "Annabel Smith", "annabel.smith@example.org")
    assert caught.value.kind is WEAK_PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "seven gates rust slowly",
        "wer im glashaus sitzt",
        "zażółć gęślą jaźń",
        "كلمات لا صلة بينها",
        "x" * 5 + "Qv7#k" * 30,
    ],
)
def test_any_other_password_is_taken_whatever_it_is_made_of(password: str) -> None:
    strong_enough(password, "anna")


def test_of_many_attempts_at_once_none_is_free_and_one_that_went_well_counts_for_nothing() -> None:
    world = FixedWorld()
    attempts = Attempts(world)
    for _ in range(MOST_FAILURES):
        attempts.begin("anna", "address")
        attempts.went_well("anna", "address")
    for _ in range(MOST_FAILURES):
        attempts.begin("anna")
    with pytest.raises(Problem) as caught:
        attempts.begin("address", "anna")
    assert caught.value.kind is TOO_MANY
    world.clock_ms += 60_001
    attempts.begin("anna")


# -- links --------------------------------------------------------------------
async def test_a_link_works_once_for_three_days_and_not_beside_a_newer_one(intake: Intake, world: FixedWorld) -> None:
    def over(con: sqlite3.Connection, secret: str) -> None:
        with pytest.raises(Problem) as caught:
            find_link(con, secret, world.clock_ms)
        assert caught.value.kind is LINK_OVER

    def work(writing: Writing) -> None:
        first, newer = (make_link(writing.con, world, "anna", "reset", by="ada") for _ in range(2))
        over(writing.con, first)
        over(writing.con, "never was one")
        assert find_link(writing.con, newer, world.clock_ms).person == "anna"
        world.clock_ms += LIVES_MS
        over(writing.con, newer)
        last = make_link(writing.con, world, "anna", "reset", by="ada")
        use_links(writing.con, "anna", world.clock_ms)
        over(writing.con, last)
        assert last not in "\n".join(writing.con.iterdump())

    await intake.do(work)


async def test_a_link_invites_who_has_no_password_and_a_program_gets_none(intake: Intake) -> None:
    def work(writing: Writing) -> list[str]:
        put(writing.con, PERSON, "erp", PersonRow(roles=("integration",)), by="ada", now_ms=writing.now_ms)
        purposes = [link_for(intake.door, writing, "anna", by="ada")[0]]
        keep_password(writing.con, "anna", "x", writing.now_ms)
        return [*purposes, link_for(intake.door, writing, "anna", by="ada")[0]]

    assert await intake.do(work) == ["invitation", "reset"]
    await refused(intake, NO_SIGN_IN, lambda writing: link_for(intake.door, writing, "erp", by="ada"))


def test_a_command_prints_a_link_that_a_server_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = ["--database", str(tmp_path / "x.db")]
    assert people.main(["add", "anna", "--email", "anna@example.org", "--phone", "+49 30 1", *database]) == 0
    assert people.main(["reset", "anna", *database]) == 2
    assert "no password" in capsys.readouterr().err
    assert people.main(["invite", "anna", "--url", "https://office.example/", *database]) == 0
    said = capsys.readouterr().out.strip()
    assert said.startswith("https://office.example/link/")
    assert people.main(["add", "anna", "--email", "nonsense", *database]) == 2


# -- tokens -------------------------------------------------------------------
async def test_a_token_opens_what_it_is_for_until_its_day_or_until_it_is_ended(
    client: AsyncClient, intake: Intake, world: FixedWorld
) -> None:
    asked = TokenAsked(label="ERP", endpoints=("GET /api/jobs", "GET /api/jobs/{job}"), days=1)

    def make(writing: Writing) -> str:
        put(writing.con, PERSON, "erp", PersonRow(roles=("integration",), sites=("*",)), by="ada", now_ms=0)
        intake.door.cut(writing)
        return make_token(writing.con, world, "erp", asked, by="ada")

    token = await intake.do(make)
    headers = {"authorization": f"Bearer {token}"}

    async def status(path: str) -> int:
        return (await client.get(path, headers=headers)).status_code

    assert (await status("/api/jobs"), await status("/api/jobs/unknown")) == (200, 404)
    said = await client.get("/api/handovers", headers=headers)
    assert (said.status_code, said.json()["detail"]) == (403, "this token is not for GET /api/handovers")
    [view] = await intake.store.reading(lambda con: tokens_of(con, "erp", world.clock_ms))
    assert (view.label, view.endpoints, view.used_at) == ("ERP", asked.endpoints, world.clock_ms)
    assert not await intake.do(lambda writing: end_token(writing.con, "anna", view.id, writing.now_ms))
    assert await status("/api/jobs") == 200
    world.clock_ms += DAY_MS
    assert await status("/api/jobs") == 401
    token = await intake.do(make)
    headers = {"authorization": f"Bearer {token}"}
    assert await status("/api/jobs") == 200
    [view] = await intake.store.reading(lambda con: tokens_of(con, "erp", world.clock_ms))
    assert await intake.do(lambda writing: end_token(writing.con, "erp", view.id, writing.now_ms))
    assert await status("/api/jobs") == 401


def test_a_program_is_given_a_token_only_for_what_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = ["--database", str(tmp_path / "x.db")]
    assert people.main(["add", "erp", "--role", "integration", *database]) == 0
    for given in ([], ["--endpoint", "POST /api/nonsense"], ["--endpoint", "POST /api/jobs"]):
        assert people.main(["token", "erp", *given, *database]) == 2
        assert "endpoint" in capsys.readouterr().err
    assert people.main(["token", "erp", "--endpoint", "GET /api/jobs", "--label", "ERP", *database]) == 0
    assert len(capsys.readouterr().out.strip()) == 43
