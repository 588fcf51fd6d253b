"""Signing in with an account of another service, by browser, against one that demands PKCE."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from playwright.async_api import Page, expect

from backend.master import PERSON, put
from backend.serve import bound
from tests.pages.conftest import PageOf
from tests.pages.looking import sits_well
from tests.pages.office import PEOPLE, Office
from tests.pages.provider import SECRET, provider

pytestmark = pytest.mark.anyio


@pytest.fixture
def empty_office(tmp_path: Path) -> Iterator[Office]:
    """An office whose people sign in with House ID as well; its service sends them back to where this one is."""
    listener = bound("127.0.0.1", 0)
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    back = f"http://127.0.0.1:{listener.getsockname()[1]}/sign-in/with/house/answer"
    with provider(back, tmp_path) as issuer:
        house = {
            "id": "house",
            "label": "House ID",
            "issuer": issuer,
            "client_id": "office",
            "secret_file": str(secret),
        }
        with Office(tmp_path, listener, providers=[house]) as office:
            yield office


async def to_house(page: Page, path: str) -> None:
    """From this page of the office to the service."""
    await page.context.route(re.compile("^https://"), lambda route: route.fulfill(body=""))
    await page.goto(path)
    await (
        page.get_by_role("link", name="Sign in with House ID")
        .or_(page.get_by_role("button", name="Link House ID"))
        .click()
    )


async def sign_in_there(page: Page, name: str) -> None:
    """Sign in at the service, and agree to what the office asks for.

    Its page, which is none of ours, asks other hosts for letters: it is given none.
    """
    await page.locator("input[name=login]").wait_for()
    await page.locator("input[name=login]").fill(name)
    await page.locator("input[name=password]").fill("anything")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


def mail(office: Office, person: str, address: str) -> None:
    """Afterwards this is the person's address."""
    row = msgspec.structs.replace(PEOPLE[person], email=address)
    office.do(lambda writing: put(writing.con, PERSON, person, row, by="test", now_ms=writing.now_ms))


async def test_who_has_an_address_that_the_service_vouches_for_comes_in_without_a_password(
    office: Office, page_of: PageOf
) -> None:
    mail(office, "dora", "Dora@Example.org")
    page = await page_of()
    await to_house(page, "/account")
    await sign_in_there(page, "dora")
    await expect(page).to_have_url(re.compile("/account$"))
    await expect(page.get_by_role("heading", name="Dora")).to_be_visible()
    await expect(page.get_by_text("dora@example.org", exact=True)).to_be_visible()

    mail(office, "dora", "another@example.org")  # from now on it is the account that counts
    await page.locator("summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("/sign-in?back=/account")
    await page.get_by_role("link", name="Sign in with House ID").click()
    await expect(page).to_have_url(re.compile("/account$"))
    await expect(page.get_by_role("heading", name="Dora")).to_be_visible()


async def test_who_cannot_be_told_for_sure_is_told_why_and_stays_out(office: Office, page_of: PageOf) -> None:
    for person, address in (("dora", "dora"), ("anna", "shared"), ("bo", "shared")):
        mail(office, person, f"{address}@example.org")
    for name, said in (
        ("stranger", "Nobody here belongs to this account"),
        ("unverified-dora", "does not vouch"),
        ("shared", "Several people here"),
    ):
        page = await page_of()
        await to_house(page, "/sign-in")
        await sign_in_there(page, name)
        await expect(page.get_by_role("alert")).to_contain_text(said)
        await page.goto("/account")
        await expect(page).to_have_url(re.compile("/sign-in"))


async def test_one_links_an_account_and_ends_the_link(office: Office, page_of: PageOf) -> None:
    assert office.url
    page = await page_of("max")
    await to_house(page, "/account")
    await sign_in_there(page, "unverified-boss")
    await expect(page.get_by_text("The account is linked:")).to_be_visible()
    await sits_well(page)
    await page.get_by_role("button", name="End the link").click()
    await expect(page.get_by_text("The account is linked no more")).to_be_visible()


async def test_a_code_is_worth_nothing_to_who_has_another_verifier(office: Office, page_of: PageOf) -> None:
    (service,) = office.settings.providers
    back = f"{office.url}/sign-in/with/house/answer"
    async with AsyncOAuth2Client(
        client_id="office", client_secret=SECRET, scope="openid", redirect_uri=back, code_challenge_method="S256"
    ) as client:

        async def code(page: Page) -> str:
            url, _ = client.create_authorization_url(f"{service.issuer}/auth", code_verifier="v" * 43)
            await page.goto(url)
            if await page.locator("input[name=login]").count():
                await sign_in_there(page, "dora")
            await page.wait_for_url(f"{back}?*")
            return parse_qs(urlsplit(page.url).query)["code"][0]

        page = await page_of()
        await page.context.route(re.compile("^https://"), lambda route: route.fulfill(body=""))
        with pytest.raises(OAuthError) as caught:
            await client.fetch_token(f"{service.issuer}/token", code=await code(page), code_verifier="w" * 43)
        assert caught.value.error == "invalid_grant"
        token = await client.fetch_token(f"{service.issuer}/token", code=await code(page), code_verifier="v" * 43)
        assert token["id_token"]
