"""Who may call what: every line of the table of permits, tried by everybody over HTTP."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient, Response

from backend.addresses import PROGRAMS
from backend.app import create_app
from backend.config import Settings
from tests.backend.asking import NAMED, Office
from tests.backend.people import FixedWorld
from tests.backend.permits import ANYBODY, DEVICES, PERMITS, Permit
from tests.backend.things import UNKNOWN, Caller, furnish
from tests.routes import routes_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office(settings: Settings, world: FixedWorld) -> AsyncIterator[Office]:
    app = create_app(settings, world)
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    async with app.lifespan(), AsyncClient(transport=transport, base_url="https://backend") as client:
        yield Office(client, await furnish(client, app.state.intake, world))


def _things_in(permit: Permit) -> set[str]:
    return set(NAMED.findall(f"{permit.asked} {permit.sent} {permit.query}")) - {"action"}


def _verdict(answer: Response) -> str:
    """How the door answered: `unknown` for who is not signed in, `forbidden`, `absent`, or `passes`."""
    is_sent = answer.headers.get("location", "").startswith("/sign-in") and "set-cookie" not in answer.headers
    if answer.status_code == 401 or (answer.status_code == 303 and is_sent):
        return "unknown"
    return {403: "forbidden", 404: "absent"}.get(answer.status_code, "passes")


def _expected(permit: Permit, caller: Caller) -> str:
    is_device = permit.who == DEVICES
    if caller.role == "nobody" or is_device != (caller.role == "device"):
        return "unknown"
    if caller.role not in permit.who:
        return "forbidden"
    if permit.reach == "every" and caller.scope != "everywhere":
        return "forbidden"
    out = permit.reach == "nobody" or (permit.reach == "site" and not caller.reaches)
    out = out or (permit.reach == "whole" and caller.scope != "everywhere")
    return "absent" if out and _things_in(permit) else "passes"


def _cells() -> list[Permit]:
    """What only asks comes first: nothing was changed then; what ends something comes last."""
    cells = (one for one in PERMITS if one.who != ANYBODY)
    return sorted(cells, key=lambda one: (not one.asked.startswith("GET"), one.ends))


@pytest.mark.parametrize("called", ["by programs", "in a browser"])
async def test_everybody_may_what_the_table_says_and_nothing_else(office: Office, called: str) -> None:
    wrong, names = [], office.things.names
    for permit in _cells():
        if permit.asked.split()[1].startswith(PROGRAMS) != (called == "by programs"):
            continue
        has_ended = False
        for caller in office.things.callers:
            answer = await office.ask(permit, caller, names)
            expected, found = _expected(permit, caller), _verdict(answer)
            if has_ended and expected == "passes" and _things_in(permit):
                expected = "absent"
            if found != expected or answer.status_code >= 500:
                wrong.append(f"{permit.asked} as {caller}: {answer.status_code} {found}, not {expected}")
            if expected != "passes":
                continue
            has_ended = permit.ends
            if permit.shows and (names[permit.shows] in answer.text) != (permit.reach != "site" or caller.reaches):
                wrong.append(f"{permit.asked} as {caller}: what it shows is not what is in scope")
    assert not wrong, "\n".join(wrong)


async def test_what_is_out_of_scope_is_answered_byte_for_byte_like_what_is_not_there(office: Office) -> None:
    wrong = []
    for permit in (one for one in _cells() if _things_in(one) and not one.new):
        for caller in office.things.callers:
            if (expected := _expected(permit, caller)) not in ("absent", "passes"):
                continue
            unknown = await office.ask(permit, caller, UNKNOWN)
            if _verdict(unknown) != "absent":
                wrong.append(f"{permit.asked} as {caller}: {unknown.status_code} for what is not there")
            if expected == "absent":
                hidden = await office.ask(permit, caller, office.things.names)
                if _said(hidden, permit, office.things.names) != _said(unknown, permit, UNKNOWN):
                    wrong.append(f"{permit.asked} as {caller}: {hidden.text} is not {unknown.text}")
    assert not wrong, "\n".join(wrong)


def _said(answer: Response, permit: Permit, names: dict[str, str]) -> tuple[int, list[tuple[str, str]], str]:
    """The whole answer, but for the names that were asked for: the caller knows them."""
    text = answer.text
    for key in sorted(_things_in(permit)):
        text = text.replace(names[key], f"{{{key}}}")
    headers = [(key, value) for key, value in answer.headers.items() if key not in ("content-length", "set-cookie")]
    return answer.status_code, headers, text


def test_every_route_has_a_line(tmp_path: Path) -> None:
    app = create_app(Settings(database=tmp_path / "handover.db"), FixedWorld())
    routes = {f"{method} {path}" for path, method in routes_of(app) if not path.startswith(("/schema", "/static"))}
    lines = [NAMED.sub("{}", permit.asked) for permit in PERMITS]
    assert sorted(lines) == sorted(NAMED.sub("{}", re.sub(r":[a-z]+}", "}", route)) for route in routes)
