"""People by browser: entered, invited by a link that works once, signed out by an administrator, taken off."""

import re

import pytest
from playwright.async_api import expect

from backend.acting import Acting
from backend.by_hand import AskedJob
from tests.pages.conftest import PageOf
from tests.pages.office import PASSWORD, Office

pytestmark = pytest.mark.anyio


async def test_somebody_is_entered_invited_signs_in_is_signed_out_and_taken_off(
    office: Office, page_of: PageOf
) -> None:
    assert office.url
    ada, eve = await page_of("ada"), await page_of()
    await ada.goto("/set-up/people/new")
    await ada.get_by_label("Name to sign in with").fill("dora")
    await ada.get_by_label(re.compile("^Name \\(")).fill("Eve")
    await ada.get_by_label("Dispatcher").check()
    await ada.get_by_label("North").check()
    await ada.get_by_label("Entitlements served").fill("gold, silver ,gold")
    await ada.get_by_role("button", name="Save").click()
    await expect(ada.get_by_role("alert")).to_contain_text("taken")
    await expect(ada.get_by_label("Dispatcher")).to_be_checked()
    await ada.get_by_label("Name to sign in with").fill("eve")
    await ada.get_by_role("button", name="Save").click()
    await expect(ada).to_have_url(re.compile("/set-up/people/eve"))
    await expect(ada.get_by_text("gold, silver", exact=True)).to_be_visible()
    await ada.get_by_role("button", name="Make an invitation").click()
    link = await ada.locator("#link").text_content()
    assert link is not None

    await eve.goto(link)
    await eve.get_by_label("New password").fill("passwordpassword")
    await eve.get_by_role("button", name="Set password").click()
    await expect(eve.get_by_role("alert")).to_contain_text("too easy to guess")
    await eve.get_by_label("New password").fill(PASSWORD)
    await eve.get_by_role("button", name="Set password").click()
    await eve.goto("/account")
    await expect(eve.get_by_role("heading", name="Eve")).to_be_visible()
    answer = await ada.goto(link)
    assert answer is not None
    assert answer.status == 410

    await ada.goto("/set-up/people/eve")
    await ada.get_by_role("button", name="End", exact=True).click()
    await expect(ada.get_by_text("Signed in nowhere")).to_be_visible()
    await eve.goto("/account")
    await expect(eve).to_have_url(re.compile("/sign-in"))

    asked = AskedJob(action="open-a-job", site="north", party="eve")
    job = office.do(lambda writing: Acting(office.intake.door, "dora").open(writing, asked)).job
    await ada.reload()
    await expect(ada.get_by_text("accountable for 1 open job")).to_be_visible()
    await ada.get_by_role("button", name="Take off").click()
    await ada.get_by_role("dialog").get_by_role("button", name="Take off").click()
    await expect(ada.get_by_role("heading", name="Eve is listed no more")).to_be_visible()
    await expect(ada.get_by_text(job)).to_be_visible()
    await eve.get_by_label("Name you sign in with").fill("eve")
    await eve.get_by_label("Password").fill(PASSWORD)
    await eve.get_by_role("button", name="Sign in").click()
    await expect(eve.get_by_role("alert")).to_contain_text("do not fit together")


async def test_people_are_found_as_one_types_and_without_a_script(office: Office, page_of: PageOf) -> None:
    assert office.url
    page = await page_of("ada")
    await page.goto("/set-up/people")
    await page.get_by_label("Name, number, skill").press_sequentially("cle")
    await expect(page.get_by_text("1 person")).to_be_visible()
    await expect(page.get_by_label("Name, number, skill")).to_be_focused()
    plain = await page_of("ada", java_script_enabled=False)
    await plain.goto("/set-up/people")
    await plain.get_by_label("Name, number, skill").fill("cle")
    await plain.get_by_role("button", name="Find").click()
    await expect(plain.get_by_text("1 person")).to_be_visible()


async def test_one_changes_the_own_password_and_is_signed_out_everywhere_else(office: Office, page_of: PageOf) -> None:
    assert office.url
    page, other = await page_of("ada"), await page_of("ada")
    await page.goto("/account")
    for current, said in (("not her password", "not your password"), (PASSWORD, "")):
        await page.get_by_label("Current password").fill(current)
        await page.get_by_label("New password").fill("eight hens hum slowly")
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_role("alert" if said else "status").last).to_contain_text(said or "is changed")
    await other.goto("/account")
    await expect(other).to_have_url(re.compile("/sign-in"))
    await page.goto("/account")
    await expect(page.get_by_role("heading", name="My account")).to_be_visible()
