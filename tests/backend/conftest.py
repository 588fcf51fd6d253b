"""A backend per test: real SQLite, the real application, people who work there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from backend.accounts.tokens import keep_token
from backend.app import create_app
from backend.config import Settings
from backend.enrolment import make_code
from backend.intake import Intake
from backend.master import DEVICE, PERSON, SITE, DeviceRow, PersonRow, SiteRow, put
from backend.writing import Writing
from sync.policy import Limits, Policy, Step
from tests.backend.people import Author, FixedWorld, Staff

PEOPLE = {
    "anna": PersonRow(name="Anna", roles=("technician",), sites=("north",)),
    "bo": PersonRow(name="Bo", roles=("technician",), sites=("south",)),
    "cleo": PersonRow(name="Cleo", roles=("depot",), sites=("*",)),
    "dora": PersonRow(name="Dora", roles=("dispatcher",), teams=("desk",), sites=("*",)),
    "max": PersonRow(name="Max", roles=("manager",), sites=("*",)),
    "nick": PersonRow(name="Nick", roles=("dispatcher",), teams=("desk",), sites=("north",)),
}
"""anna sends, bo receives; cleo is at the depot; dora dispatches; max manages; nick sees the north only."""

BOUNDARY = "site"


@pytest.fixture
def world() -> FixedWorld:
    return FixedWorld()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database=tmp_path / "handover.db", escalate_every_s=0)


@pytest.fixture
async def client(settings: Settings, world: FixedWorld) -> AsyncIterator[AsyncClient]:
    app = create_app(settings, world)
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    async with app.lifespan(), AsyncClient(transport=transport, base_url="http://backend") as client:
        yield client


@pytest.fixture
async def intake(client: AsyncClient) -> Intake:
    """The door of the backend behind `client`, with people, sites and one boundary."""
    transport = client._transport
    assert isinstance(transport, ASGITransport)
    assert isinstance(transport.app, Litestar)
    intake: Intake = transport.app.state.intake

    def begin(writing: Writing) -> None:
        for name, row in PEOPLE.items():
            put(writing.con, PERSON, name, row, by="test", now_ms=writing.now_ms)
        for site in ("north", "south"):
            put(writing.con, SITE, site, SiteRow(name=site), by="test", now_ms=writing.now_ms)
        intake.door.cut(writing)
        steps = (Step(after_minutes=0, to="desk"), Step(after_minutes=30, to="max"))
        limits = Limits(accept=60)
        writing.issue(Policy(boundary=BOUNDARY, version=1, issued_at="", limits=limits, escalation=steps))

    await intake.do(begin)
    return intake


@pytest.fixture
async def enrolled(client: AsyncClient, intake: Intake) -> Callable[..., Awaitable[Author]]:
    """Enrols a device for a person: `author = await enrolled("anna")`, signed in and up to date."""

    async def enrol(person: str, seed: str = "") -> Author:
        author = Author.named(person, seed)
        device = f"device of {person}{seed}"

        def code(writing: Writing) -> str:
            put(writing.con, DEVICE, device, DeviceRow(people=(person,)), by="test", now_ms=writing.now_ms)
            return make_code(intake.door, writing, device).code

        await author.enrol(client, await intake.do(code))
        await author.sign_in(client)
        await catch_up(author, intake)
        return author

    return enrol


@pytest.fixture
async def staff(client: AsyncClient, intake: Intake, world: FixedWorld) -> Callable[[str], Awaitable[Staff]]:
    """Somebody of the office with a token: `dora = await staff("dora")`."""

    async def sign_in(person: str) -> Staff:
        token = f"token of {person}".replace(" ", "-")
        await intake.do(lambda writing: keep_token(writing.con, token, person, now_ms=world.clock_ms))
        return Staff(person, client, token)

    return sign_in


async def catch_up(author: Author, intake: Intake) -> None:
    """Afterwards the author names the roster and policies in force."""

    def read(writing: Writing) -> tuple[str, dict[str, str]]:
        policies = {policy.boundary: reference for reference, policy in writing.documents.policies()}
        return writing.documents.roster()[0], policies

    author.roster, author.policies = await intake.do(read)
