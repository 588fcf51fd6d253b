"""Requests that are not what they seem: forged forms, fixed sessions, ways out of the office, unencrypted sign-ins."""

import re
from collections.abc import AsyncIterator
from time import process_time

import pytest
from httpx import ASGITransport, AsyncClient

from backend.accounts.passwords import hashed, keep_password
from backend.accounts.sessions import COOKIE, IDLE_MS, LIVES_MS, form_token
from backend.addresses import PROGRAMS
from backend.app import create_app
from backend.config import Settings
from backend.intake import Intake
from backend.limits import MOST_FAILURES
from backend.pages.forms import FIELD, local_path
from tests.backend.asking import Office
from tests.backend.people import FixedWorld
from tests.backend.permits import ANYBODY, PERMITS, Permit
from tests.backend.things import Caller, furnish

pytestmark = pytest.mark.anyio
PASSWORD = "seven gates rust slowly"  # noqa: S105 - everybody's in these tests
SAME = {"sec-fetch-site": "same-origin"}
FORMS = [one for one in PERMITS if one.asked.startswith("POST") and not one.asked.split()[1].startswith(PROGRAMS)]
ELSEWHERE = ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\tevil", "evil", ""]


@pytest.fixture
async def office(settings: Settings, world: FixedWorld) -> AsyncIterator[Office]:
    app = create_app(settings, world)
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    async with app.lifespan(), AsyncClient(transport=transport, base_url="https://backend") as client:
        intake: Intake = app.state.intake
        things = await furnish(client, intake, world)
        kept = hashed(PASSWORD)
        await intake.do(lambda writing: keep_password(writing.con, "owner", kept, writing.now_ms))
        yield Office(client, things)


def admin(office: Office, scope: str = "everywhere") -> Caller:
    return next(one for one in office.things.callers if (one.role, one.scope) == ("admin", scope))


def whoever_may(office: Office, permit: Permit) -> Caller:
    """Somebody whom the table lets send this form, the administrator where it can be him."""
    found = [
        one for one in office.things.callers if one.role in permit.who and one.scope == "everywhere" and one.session
    ]
    return next((one for one in found if one.role == "admin"), found[0]) if found else admin(office)


async def test_a_form_that_no_page_of_this_session_sent_is_refused_on_every_route(office: Office) -> None:
    others = form_token(admin(office, "here").session)
    passed = []
    for permit in FORMS:
        me = whoever_may(office, permit)
        own = form_token(me.session)
        ways = [("", SAME), ("x" * 43, SAME), (others, SAME), (own, SAME | {"origin": "https://evil.example"})]
        ways += [(own, {"sec-fetch-site": site}) for site in ("cross-site", "same-site", "none")]
        for token, headers in ways:
            if permit.who == ANYBODY and headers is SAME:
                headers = {}  # noqa: PLW2901 - nobody is signed in there: only where a form comes from can be asked
            answer = await office.post(permit, me, {FIELD: token}, headers)
            if answer.status_code != 403 or "foreign-form" not in answer.text:
                passed.append(f"{permit.asked} with {token[:3]} and {headers}: {answer.status_code}")
    assert passed == []


async def test_a_part_of_a_page_carries_the_token_in_a_header(office: Office) -> None:
    me = admin(office)
    headers = SAME | {"x-form-token": form_token(me.session), "hx-request": "true"}
    answer = await office.post(Permit(asked="POST /set-up/teams", who=ANYBODY), me, {}, headers)
    assert "foreign-form" not in answer.text


async def test_nobody_is_sent_out_of_the_office(office: Office) -> None:
    client = office.client
    for back in ELSEWHERE:
        assert local_path(back) == "/"
        given = {"person": "owner", "password": PASSWORD, "back": back}
        answer = await client.post("/sign-in", data=given, headers=SAME)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        answer = await client.post("/preferences", data={"back": back}, headers=SAME)
        assert answer.headers["location"] == "/"
        shown = await client.get("/sign-in", params={"back": back})
        assert 'name="back" value="/"' in shown.text
    assert local_path("/jobs?state=open") == "/jobs?state=open"


async def test_a_session_that_was_there_before_the_sign_in_is_worth_nothing_after_it(office: Office) -> None:
    planted = "p" * 43
    headers = SAME | {"cookie": f"{COOKIE}={planted}"}
    answer = await office.client.post("/sign-in", data={"person": "owner", "password": PASSWORD}, headers=headers)
    set_ = answer.headers["set-cookie"]
    assert planted not in set_
    office.client.cookies.clear()
    assert (await office.client.get("/account", headers={"cookie": f"{COOKIE}={planted}"})).status_code == 303
    mine = admin(office)
    again = SAME | {"cookie": f"{COOKIE}={mine.session}"}
    answer = await office.client.post("/sign-in", data={"person": "owner", "password": PASSWORD}, headers=again)
    assert mine.session not in answer.headers["set-cookie"]


async def test_the_cookie_is_for_this_host_over_https_and_out_of_reach_of_scripts(office: Office) -> None:
    answer = await office.client.post("/sign-in", data={"person": "owner", "password": PASSWORD}, headers=SAME)
    said = answer.headers["set-cookie"]
    assert re.match(r"__Host-handover=[\w-]{43};", said)
    parts = {part.strip().split("=")[0].lower() for part in said.split(";")}
    assert {"secure", "httponly", "samesite", "path"} <= parts
    assert "domain" not in parts
    assert "path=/;" in f"{said.lower()};"


async def test_a_session_ends_when_it_is_not_used_and_some_day_although_it_is(
    office: Office, world: FixedWorld
) -> None:
    async def status() -> int:
        return (
            await office.client.get("/account", headers={"cookie": f"{COOKIE}={admin(office).session}"})
        ).status_code

    office.client.cookies.clear()
    began = world.clock_ms
    while world.clock_ms < began + LIVES_MS:
        assert await status() == 200
        world.clock_ms += IDLE_MS - 1
    assert await status() == 303
    other = admin(office, "here").session
    world.clock_ms = began + IDLE_MS
    assert (await office.client.get("/account", headers={"cookie": f"{COOKIE}={other}"})).status_code == 303


async def test_over_plain_http_beyond_loopback_nobody_signs_in_and_is_told_what_to_do(office: Office) -> None:
    for path in ("/sign-in", "/link/xyz"):
        answer = await office.client.get(f"http://office.example{path}")
        assert answer.status_code == 403
        assert "https" in answer.text
        sent = await office.client.post(f"http://office.example{path}", data={"person": "owner"}, headers=SAME)
        assert sent.status_code == 403
    assert (await office.client.get("http://localhost/sign-in")).status_code == 200


async def test_somebody_unknown_costs_as_much_as_a_wrong_password(office: Office) -> None:
    async def cost(person: str) -> float:
        began = process_time()
        given = {"person": person, "password": "not the password"}
        assert (await office.client.post("/sign-in", data=given, headers=SAME)).status_code == 403
        return process_time() - began

    known = min([await cost("owner") for _ in range(4)])
    unknown = min([await cost("nobody-here") for _ in range(4)])
    assert known / 2 < unknown < known * 2


async def test_who_guesses_is_made_to_wait_by_name_and_by_address(office: Office, world: FixedWorld) -> None:
    async def sign_in(person: str, password: str) -> int:
        given = {"person": person, "password": password}
        return (await office.client.post("/sign-in", data=given, headers=SAME)).status_code

    for number in range(MOST_FAILURES):
        assert await sign_in(f"nobody-{number}", "no") == 403
    assert await sign_in("owner", PASSWORD) == 429
    for _ in range(MOST_FAILURES):
        assert (await office.client.get("/link/guessed")).status_code in (410, 429)
    assert (await office.client.get("/link/guessed")).status_code == 429
    world.clock_ms += 60_001
    assert await sign_in("owner", PASSWORD) == 303
