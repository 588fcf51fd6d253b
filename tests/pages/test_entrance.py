"""Coming in, by browser: the first administrator, signing in and out, language and appearance."""

import re

import pytest
from playwright.async_api import expect

from tests.pages.conftest import PageOf
from tests.pages.office import PASSWORD, Office

pytestmark = pytest.mark.anyio


async def test_whoever_reads_the_code_at_the_server_becomes_the_first_administrator_once(
    empty_office: Office, page_of: PageOf
) -> None:
    page = await page_of()
    await page.goto("/")
    await expect(page).to_have_url(re.compile("/first$"))
    await page.get_by_label("One-time code").fill("WRONG-CODE")
    await page.get_by_label("Name you will sign in with").fill("ada")
    await page.get_by_label("What people call you").fill("Ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_role("alert")).to_contain_text("not the code")
    await expect(page.get_by_label("Name you will sign in with")).to_have_value("ada")
    await page.get_by_label("One-time code").fill(empty_office.app.state.first_code.text.lower())
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Begin").click()
    await expect(page.get_by_role("heading", name="Set-up")).to_be_visible()
    answer = await page.goto("/first")
    assert answer is not None
    assert answer.status == 404


async def test_signing_in_leads_to_the_page_that_was_asked_for_and_signing_out_ends_it(
    office: Office, page_of: PageOf
) -> None:
    assert office.url
    page = await page_of()
    await page.goto("/account")
    await page.get_by_label("Name you sign in with").fill("ada")
    await page.get_by_label("Password").fill("not her password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(re.compile("/account$"))
    await page.locator("summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/sign-in$"))
    await page.goto("/account")
    await expect(page).to_have_url(re.compile("/sign-in"))
