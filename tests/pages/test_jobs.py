"""Jobs by browser: opened by hand, told as a story, acted on by what was seen, found from everywhere."""

import hashlib
import re
from base64 import urlsafe_b64encode

import pytest
from httpx import AsyncClient
from playwright.async_api import expect

from backend.accounts.sessions import COOKIE, form_token
from backend.pages.forms import FIELD
from backend.writing import Writing
from tests.pages.conftest import PageOf
from tests.pages.jobs_made import Day, make
from tests.pages.office import Office

pytestmark = pytest.mark.anyio


async def test_a_job_is_opened_by_keyboard_alone_while_the_customer_is_on_the_phone(
    office: Office, page_of: PageOf
) -> None:
    Day(office).set_up()
    page = await page_of("dora")
    await page.goto("/jobs")
    await page.get_by_role("link", name="New job").first.press("Enter")
    await expect(page.get_by_label("Who is calling")).to_be_focused()
    await page.keyboard.type("0171 555")
    await expect(page.get_by_role("button", name=re.compile("Bäckerei Kim"))).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("What is wrong?")).to_be_focused()
    await expect(page.get_by_label("Site", exact=True)).to_have_value("north")
    await expect(page.get_by_text("Lindenstraße 12")).to_be_visible()
    await page.keyboard.type("It drips")
    await page.keyboard.press("Control+Enter")
    await expect(page).to_have_url(re.compile(r"/jobs/[\w-]{22}\?done=open$"))
    await expect(page.get_by_role("heading", name="It drips")).to_be_visible()
    await expect(page.get_by_role("link", name="+49 171 555 01 23")).to_have_attribute("href", "tel:+491715550123")


async def test_a_form_sent_twice_opens_one_job_and_what_cannot_be_keeps_all_that_was_typed(office: Office) -> None:
    session = office.session("dora")
    form = {FIELD: form_token(session), "action": "the-one-action", "site": "north", "wrong": "It drips"}
    headers = {"cookie": f"{COOKIE}={session}", "sec-fetch-site": "same-origin"}
    async with AsyncClient(base_url=office.url, headers=headers) as client:
        first, again = [await client.post("/jobs/new", data=form) for _ in range(2)]
        assert (first.status_code, again.headers["location"]) == (303, first.headers["location"])
        listed = await client.get("/jobs")
        assert listed.text.count('<tr id="job-') == 1
        window = {"day": "2026-10-05", "begins": "10:00", "ends": "09:00"}
        refused = await client.post("/jobs/new", data=form | window | {"action": "the-other-one"})
        assert refused.status_code == 400
        for typed in ("It drips", "2026-10-05", "10:00", "09:00", 'value="north"'):
            assert typed in refused.text
        elsewhere = office.session("nick")
        hidden = await client.post(
            "/jobs/new",
            data=form | {FIELD: form_token(elsewhere), "site": "south", "action": "nick-tries-it"},
            headers={"cookie": f"{COOKIE}={elsewhere}"},
        )
        assert hidden.status_code == 404
        assert "It drips" in hidden.text


async def test_a_stale_form_says_who_changed_what_and_keeps_what_was_typed(office: Office, page_of: PageOf) -> None:
    day = Day(office)
    job = day.open(wrong="It drips")
    page = await page_of("max")
    await page.goto(f"/jobs/{job}?do=cancel")
    await page.get_by_label("Reason").fill("The customer has mended it himself")
    day.act(job, "reschedule", window_from="2026-10-05T08:00:00Z")
    await page.get_by_role("button", name="Cancel it now").click()
    said = page.get_by_role("alert")
    await expect(said).to_be_focused()
    await expect(said).to_contain_text("Dora: Planned")
    await expect(page.get_by_label("Reason")).to_have_value("The customer has mended it himself")
    await page.get_by_role("button", name="Cancel it now").click()
    await expect(page.get_by_text("The job is cancelled.")).to_be_visible()
    await expect(page.locator(".chapter", has_text="The customer has mended it himself")).to_be_visible()


async def test_each_form_does_what_its_button_says(office: Office) -> None:
    day = Day(office)
    day.set_up()
    job = day.open(asset="oven-7", customer="kim")
    session = office.session("dora")
    headers = {"cookie": f"{COOKIE}={session}", "sec-fetch-site": "same-origin"}
    window = {"day": "2026-10-05", "begins": "08:00", "ends": ""}
    offer = {"to": "anna", "boundary": "site", "priority": "urgent", "summary": "Cold", "next": "Look", "no_risks": "1"}
    forms: list[tuple[str, dict[str, str], str]] = [
        ("note", {"text": "The gate is locked"}, "note.written"),
        ("edit", {"customer": "lee", "asset": "oven-7", "priority": "urgent", "type": "install"}, "correction.made"),
        ("reschedule", window, "job.planned"),
        ("plan", window | {"crew": "anna"}, "job.planned"),
        ("hold", {"reason": "No parts", "day": "2026-10-06"}, "job.held"),
        ("release", {}, "job.released"),
        ("dispatch", offer, "handover.offered"),
        ("withdraw", {"reason": "Somebody else goes"}, "handover.withdrawn"),
        ("reassign", {"party": "bo", "why": "replanned", "words": "He is near"}, "handover.reassigned"),
        ("close", {"outcome": "Fitted"}, "job.resolved"),
        ("reopen", {"reason": "It is cold again"}, "job.reopened"),
        ("cancel", {"reason": "Not needed"}, "job.cancelled"),
    ]
    async with AsyncClient(base_url=office.url, headers=headers) as client:
        for name, typed, kind in forms:
            page = await client.get(f"/jobs/{job}?do={name}")
            hidden = dict(re.findall(r'type="hidden" name="([a-z-]+)" value="([^"]*)"', page.text.split('id="do"')[1]))
            assert hidden["action"], name
            offered = re.findall(r'name="offer" value="([^"]+)"', page.text)
            sent = hidden | typed | ({"offer": offered[0]} if offered else {})
            answer = await client.post(f"/jobs/{job}/{name}", data=sent)
            assert (answer.status_code, answer.headers.get("location")) == (303, f"/jobs/{job}?done={name}"), name
            story = (await client.get(f"/jobs/{job}")).text
            assert office.do(lambda writing: kinds(writing, job))[-1] == kind, name
            assert all(text in story for text in typed.values() if " " in text), name


def kinds(writing: Writing, job: str) -> list[str]:
    """The kinds of a job's events, in the order in which they came to count."""
    facts = writing.facts.job(job)
    assert facts is not None
    return [one.event.kind for one in facts.standings]


async def test_a_job_tells_its_story_down_to_the_bytes(office: Office, page_of: PageOf) -> None:
    made = await make(office)
    page = await page_of("cleo")
    await page.goto(f"/jobs/{made.whole}")
    contact = page.locator(".chapter", has_text="Customer contact")
    await expect(contact).to_contain_text("I said so yesterday")
    await expect(contact).to_contain_text("received")
    handover = page.locator(".chapter", has_text="Handover offered")
    for said in ("Fit the seal", "the glass is cracked", "Read back", "Reservation", "Confirmed"):
        await expect(handover).to_contain_text(said)
    order = await handover.locator("dl.payload > dt").all_inner_texts()
    assert order == ["Priority", "State of the work", "Summary", "Next", "Risks", "Items"]
    await expect(page.locator(".chapter", has_text="owntracks")).to_contain_text("Arrival")
    await page.get_by_role("link", name="Signals").click()
    await expect(page.locator(".chapter")).to_have_count(1)
    await page.goto(f"/jobs/{made.whole}")
    await handover.get_by_role("link", name=re.compile("Exact bytes")).first.click()
    await expect(page.get_by_text("Signed by itself")).to_be_visible()
    saved = await page.request.get(f"{page.url}/bytes")
    name = urlsafe_b64encode(hashlib.sha256(await saved.body()).digest()).rstrip(b"=").decode()
    assert name == made.event
    receipt = await page.request.get(f"/handovers/{made.offer}/receipt.pdf")
    assert (await receipt.body())[:5] == b"%PDF-"


async def test_an_items_page_says_where_it_is_and_every_job_leads_to_it(office: Office, page_of: PageOf) -> None:
    made = await make(office)
    page = await page_of("cleo")
    await page.goto(f"/jobs/{made.whole}")
    await page.get_by_role("link", name="Door seal 40 mm").first.click()
    await expect(page.locator(".way > li strong")).to_have_text(
        ["Ordered", "Offered with the job", "Handed over", "Accepted as not received", "Installed"]
    )
    await page.goto(f"/items/{made.serial}")
    await expect(page.locator("dl.facts")).to_contain_text("Installed: North")


async def test_from_every_page_a_slash_leads_to_what_one_looks_for(office: Office, page_of: PageOf) -> None:
    made = await make(office)
    page = await page_of("dora")
    await page.goto("/account")
    await page.keyboard.press("/")
    await page.keyboard.type("10412")
    await expect(page.locator("#quick")).to_contain_text("erp/D-10412")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(made.whole))
    await page.keyboard.press("/")
    await page.keyboard.type("lindenstr")
    await expect(page.locator("#quick")).to_contain_text("by its street")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Search: lindenstr")).to_be_visible()
    hidden = await page_of("bo")
    await hidden.goto("/search?q=10412")
    await expect(hidden.get_by_text("Nothing found")).to_be_visible()


async def test_a_list_keeps_its_address_and_is_shared_with_a_role(office: Office, page_of: PageOf) -> None:
    made = await make(office)
    page = await page_of("dora")
    await page.goto("/jobs")
    await page.locator("summary", has_text="Narrow the list").click()
    await page.get_by_label("On hold").check()
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator(f"#job-{made.held}")).to_be_visible()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_label("Save this list as").fill("Waiting")
    await page.get_by_label("Who sees it").select_option("dispatcher")
    await page.get_by_role("button", name="Save").click()
    nick, max_ = await page_of("nick"), await page_of("max")
    await nick.goto("/jobs")
    await nick.get_by_role("link", name="Waiting").click()
    await expect(nick).to_have_url(re.compile(r"/jobs\?.*only=held"))
    await max_.goto("/jobs")
    await expect(max_.get_by_role("link", name="Waiting")).to_have_count(0)


async def test_a_technician_reads_his_own_job_and_can_do_nothing_with_it_here(office: Office, page_of: PageOf) -> None:
    made = await make(office)
    page = await page_of("anna")
    await page.goto("/jobs")
    await expect(page.locator(f"#job-{made.whole}")).to_be_visible()
    await expect(page.locator(f"#job-{made.held}")).to_have_count(0)
    await page.goto(f"/jobs/{made.whole}?do=cancel")
    await expect(page.get_by_role("heading", name="No heat")).to_be_visible()
    await expect(page.locator(".acts, #do")).to_have_count(0)
    hidden = await page.goto(f"/jobs/{made.held}")
    assert hidden is not None
    assert hidden.status == 404
