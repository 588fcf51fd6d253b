"""What a sign-in service brings back counts only where all of it holds, and opens the office to whom it is for."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx import ASGITransport, AsyncClient, Response
from joserfc.jwk import ECKey, OctKey

from backend.accounts.identities import Identity, link
from backend.accounts.providers import secrets_of
from backend.app import create_app
from backend.commands import serve
from backend.config import Provider, Settings
from backend.intake import Intake
from backend.master import PERSON, PersonRow, put
from backend.writing import Writing
from sync.ids import b64, digest
from sync.problems import Problem
from tests.backend.liar import Liar, liar
from tests.backend.people import NOON, FixedWorld

pytestmark = pytest.mark.anyio
NOON_S = NOON // 1000
Lie = Callable[[Liar], None]


@pytest.fixture
def service() -> Iterator[Liar]:
    with liar() as made:
        yield made


class Browser:
    """Somebody's browser at an office of two people, who signs in elsewhere."""

    def __init__(self, client: AsyncClient, service: Liar, intake: Intake) -> None:
        self.client = client
        self.service = service
        self.intake = intake
        self.sent: dict[str, str] = {}

    async def leave(self) -> None:
        answer = await self.client.get("/sign-in/with/house", params={"back": "/account"})
        assert answer.status_code == 303, answer.text
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        self.sent = {name: values[0] for name, values in asked.items()}
        self.service.says = {
            "iss": self.service.issuer,
            "aud": "office",
            "sub": "17",
            "iat": NOON_S,
            "exp": NOON_S + 60,
            "nonce": self.sent["nonce"],
            "email": "dora@example.org",
            "email_verified": True,
        }

    async def come_back(self, **other: str) -> Response:
        given = {"state": self.sent["state"], "code": "c", "iss": self.service.issuer} | other
        given = {name: value for name, value in given.items() if value}
        return await self.client.get("/sign-in/with/house/answer", params=given)

    async def is_in(self) -> bool:
        return (await self.client.get("/account")).status_code == 200


@pytest.fixture
async def browser(service: Liar, settings: Settings, world: FixedWorld) -> AsyncIterator[Browser]:
    house = Provider(id="house", label="House", issuer=service.issuer, client_id="office")
    app = create_app(Settings(database=settings.database, escalate_every_s=0, providers=(house,)), world)
    transport = ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # the same protocol, typed twice
    async with app.lifespan(), AsyncClient(transport=transport, base_url="https://backend") as client:
        intake: Intake = app.state.intake

        def begin(writing: Writing) -> None:
            for person in ("dora", "max"):
                row = PersonRow(roles=("admin",), sites=("*",), email=f"{person}@example.org")
                put(writing.con, PERSON, person, row, by="test", now_ms=writing.now_ms)
            intake.door.cut(writing)

        await intake.do(begin)
        yield Browser(client, service, intake)


def says(**claims: object) -> Lie:
    return lambda service: service.says.update(claims)


def signed_by_another(service: Liar) -> None:
    service.signer = ECKey.generate_key("P-256", {"kid": "one"})


def signed_with_a_shared_secret(service: Liar) -> None:
    service.signer = OctKey.import_key(json.dumps(service.key.as_dict(private=False)), {"kid": "one"})  # type: ignore[assignment]
    service.algorithm = "HS256"


def another_account(service: Liar) -> None:
    service.says.update(email=None)
    service.account = {"sub": "18", "email": "dora@example.org", "email_verified": True}


LIES: dict[str, tuple[Lie, str]] = {
    "another nonce": (says(nonce="n" * 43), "nonce"),
    "no nonce": (says(nonce=None), "nonce"),
    "another issuer": (says(iss="https://evil.example"), "iss"),
    "for somebody else": (says(aud="another office"), "aud"),
    "for several": (says(aud=["office", "another"]), "who asked"),
    "asked by somebody else": (says(azp="another"), "somebody else asked"),
    "expired": (says(exp=NOON_S - 61), "expired"),
    "without an end": (says(exp=None), "exp"),
    "of nobody": (says(sub=None), "sub"),
    "signed by another": (signed_by_another, "signed by nobody"),
    "signed with a shared secret": (signed_with_a_shared_secret, "signed by nobody"),
    "of another account": (another_account, "another account"),
    "with an address that is not verified": (says(email_verified=False), "vouch"),
    "with an address that nobody has": (says(email="eve@example.org"), "Nobody here"),
}


async def test_what_does_not_hold_opens_nothing_and_is_said(browser: Browser) -> None:
    service = browser.service
    for name, (lie, said) in LIES.items():
        await browser.leave()
        lie(service)
        answer = await browser.come_back()
        service.signer, service.algorithm = service.key, "ES256"
        assert (answer.status_code, said.casefold() in answer.text.casefold()) == (403, True), name
        assert not await browser.is_in(), name
    await browser.leave()
    assert (await browser.come_back()).status_code == 303, "what holds is taken"


async def test_an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes(
    browser: Browser, world: FixedWorld
) -> None:
    await browser.leave()
    for other, said in (({"state": "s" * 43}, "state"), ({"iss": "https://evil.example"}, "evil.example")):
        answer = await browser.come_back(**other)
        assert (answer.status_code, said in answer.text) == (403, True)
        assert not await browser.is_in()
        await browser.leave()
    stolen = dict(browser.sent)
    browser.client.cookies.clear()
    assert (await browser.come_back()).status_code == 403
    await browser.leave()
    world.clock_ms += 600_001
    assert (await browser.come_back()).status_code == 403
    world.clock_ms = NOON
    await browser.leave()
    assert (await browser.come_back()).status_code == 303
    assert await browser.is_in()
    browser.client.cookies.delete("__Host-handover")
    assert (await browser.come_back()).status_code == 403
    assert (await browser.come_back(state=stolen["state"])).status_code == 403


async def test_the_code_goes_back_with_the_verifier_whose_digest_was_sent_before(browser: Browser) -> None:
    await browser.leave()
    assert browser.sent["code_challenge_method"] == "S256"
    answer = await browser.come_back()
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert b64(digest(browser.service.asked["code_verifier"].encode())) == browser.sent["code_challenge"]
    assert browser.service.asked["redirect_uri"] == browser.sent["redirect_uri"]


async def test_an_address_that_was_given_to_somebody_else_opens_nothing(browser: Browser) -> None:
    await browser.leave()
    assert (await browser.come_back()).status_code == 303
    await browser.leave()
    browser.service.says["sub"] = "18"
    answer = await browser.come_back()
    assert (answer.status_code, "belongs to somebody here already" in answer.text) == (409, True)


async def test_an_account_stands_for_whom_it_was_linked_to_whatever_address_it_has(browser: Browser) -> None:
    who = Identity(issuer=browser.service.issuer, subject="17")
    await browser.intake.do(lambda writing: link(writing.con, who, "max", writing.now_ms))
    await browser.leave()
    assert (await browser.come_back()).status_code == 303
    shown = (await browser.client.get("/account")).text
    assert "max@example.org" in shown


async def test_who_is_listed_no_more_does_not_come_in(browser: Browser) -> None:
    who = Identity(issuer=browser.service.issuer, subject="17")
    await browser.intake.do(lambda writing: link(writing.con, who, "nobody-here", writing.now_ms))
    await browser.leave()
    answer = await browser.come_back()
    assert (answer.status_code, "Nobody here" in answer.text) == (403, True)


async def test_the_address_is_asked_for_where_the_token_does_not_say_it(browser: Browser) -> None:
    await browser.leave()
    browser.service.says["email"] = None
    browser.service.account = {"sub": "17", "email": "dora@example.org", "email_verified": True}
    assert (await browser.come_back()).status_code == 303


async def test_a_service_that_has_new_keys_is_believed_and_one_that_fails_is_told(browser: Browser) -> None:
    await browser.leave()
    browser.service.signer = ECKey.generate_key("P-256", {"kid": "two"})
    browser.service.published.append(browser.service.signer)
    assert (await browser.come_back()).status_code == 303
    await browser.leave()
    browser.service.failing = "/token"
    answer = await browser.come_back()
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)
    refused = await browser.client.get(
        "/sign-in/with/house/answer", params={"state": browser.sent["state"], "error": "access_denied"}
    )
    assert refused.status_code == 403
    assert (await browser.client.get("/sign-in/with/nowhere")).status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"issuer": "http://id.example"}, "https"),
        ({"secret_file": "/none"}, "secret"),
        ({"secret_env": "NONE"}, "NONE"),
    ],
)
def test_a_service_that_cannot_be_called_so_is_refused_at_the_start(change: dict[str, Any], said: str) -> None:
    plain: dict[str, Any] = {"id": "house", "label": "House", "issuer": "https://id.example", "client_id": "office"}
    with pytest.raises(Problem, match=said):
        secrets_of([Provider(**plain | change)], {})
    with pytest.raises(Problem, match="two"):
        secrets_of([Provider(**plain), Provider(**plain)], {})
    assert secrets_of([Provider(**plain, secret_env="IT")], {"IT": "s"}) == {"house": "s"}  # noqa: S106 - a name


def test_a_server_says_what_is_wrong_with_the_file_of_its_services(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "services.json"
    file.write_text('[{"id": "House!", "label": "x", "issuer": "https://id.example", "client_id": "office"}]')
    given = ["--database", str(tmp_path / "x.db"), "--port", "0", "--sign-in", str(file)]
    assert serve.main(given) == 2
    assert "services.json" in capsys.readouterr().err
