"""A policy by browser: begun from a template, tried, mended where it is wrong, put in force, edited."""

import re

import pytest
from playwright.async_api import expect

from tests.pages.conftest import PageOf
from tests.pages.office import Office

pytestmark = pytest.mark.anyio


async def test_a_policy_comes_from_a_template_is_tried_and_put_in_force(office: Office, page_of: PageOf) -> None:
    page = await page_of("ada")
    await page.goto("/set-up")
    await page.get_by_role("link", name="Boundaries and policies").click()
    await expect(page.get_by_text("No boundary has a policy yet")).to_be_visible()
    await page.get_by_role("link", name="Dispatch to technician").click()
    await expect(page.get_by_label("Boundary")).to_have_value("dispatch-to-technician")
    await page.get_by_role("button", name="What would it have blocked?").click()
    await expect(page.get_by_text("Nothing was offered over this boundary")).to_be_visible()
    await page.get_by_label("To accept").fill("soon")
    await page.get_by_role("button", name="Put in force").click()
    await expect(page.get_by_role("alert")).to_contain_text("soon is no whole number")
    await page.get_by_label("To accept").fill("45")
    await expect(page.get_by_label("Boundary")).to_have_value("dispatch-to-technician")
    await page.get_by_role("button", name="Put in force").click()
    await expect(page).to_have_url(re.compile("dispatch-to-technician\\?done=changed"))
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_role("checkbox", name="A scanned offer must answer").check()
    await page.get_by_role("checkbox", name="It must be in the receiver's scope").check()
    await page.get_by_role("checkbox", name="The receiver must be listed for it").check()
    await page.get_by_role("button", name="Put in force").click()
    await expect(page.get_by_text("Changed: who may accept, challenge")).to_be_visible()
    await expect(
        page.get_by_text("· It must be in the receiver's scope · The receiver must be listed for it")
    ).to_be_visible()
    held = office.do(lambda writing: {one.boundary: one for _, one in writing.documents.policies()})
    found = held["dispatch-to-technician"]
    assert (found.version, found.challenge, found.limits.accept) == (2, True, 45)
    assert (found.accept.roles, found.accept.scope, found.accept.entitlement) == (("technician",), True, True)
    assert found.escalation[1].to == "role:manager"
    assert len(found.distractors) == 4
    await page.goto("/set-up/policies/new?template_=dispatch-to-technician")
    await page.get_by_role("button", name="Put in force").click()
    await expect(page.get_by_role("alert")).to_contain_text("taken")
