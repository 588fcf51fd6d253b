"""Webhooks by browser: added, tested, a dead letter sent again, and forbidden addresses refused where typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from backend.webhooks import outbox
from backend.writing import Writing
from sync.events import Draft, JobOpened
from tests.backend.receiver import Receiver
from tests.pages.conftest import PageOf
from tests.pages.office import Office

pytestmark = pytest.mark.anyio


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "receiver") as receiver:
        yield receiver


@pytest.fixture
def empty_office(tmp_path: Path, receiver: Receiver) -> Iterator[Office]:
    more = {"call_hosts": ("127.0.0.1", "::1"), "trust_file": receiver.trust, "send_every_s": 0.05}
    with Office(tmp_path, **more) as office:
        yield office


async def fill(page: Page, url: str) -> None:
    await page.get_by_label("Name").fill("ERP")
    await page.get_by_label("Address").fill(url)
    await page.get_by_role("button", name="Save").click()


def open_job(office: Office) -> None:
    def work(writing: Writing) -> None:
        reference, _ = writing.documents.roster()
        body = JobOpened(roster=reference, party="desk", site="north")
        office.intake.door.office.record(writing, [Draft(kind="job.opened", actor="dora", body=body)])

    office.do(work)


async def test_a_dead_letter_is_sent_again_from_the_page(office: Office, page_of: PageOf, receiver: Receiver) -> None:
    page = await page_of("ada")
    await page.goto("/set-up")
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_role("link", name="Add a webhook").click()
    await fill(page, receiver.url)
    await expect(page.get_by_role("status")).to_contain_text(["", "told of what happens from now on"])
    hook = page.url.split("/")[-1].split("?")[0]
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_text("The receiver took the test")).to_be_visible()
    await page.get_by_text("Show the secret").click()
    secret = await page.locator("#secret").inner_text()
    assert receiver.verified(secret)[0]["type"] == "webhook.test"

    receiver.answer = lambda _: 422
    open_job(office)
    office.until(lambda con: any(one.attempts for one in outbox.messages(con, hook, "waiting")))
    office.do(lambda writing: writing.con.execute("UPDATE webhook_message SET attempts = 5, due_at = 0").rowcount)
    office.until(lambda con: bool(outbox.messages(con, hook, "dead")))
    receiver.answer = lambda _: 204
    await page.goto(f"/set-up/webhooks/{hook}")
    await page.get_by_role("region", name="Dead letters").get_by_role("button", name="Send again").click()
    office.until(lambda con: not outbox.messages(con, hook, "dead") and bool(outbox.messages(con, hook, "sent")))
    await page.reload()
    await expect(page.get_by_role("region", name="Taken")).to_contain_text("job.opened")
    assert [one["type"] for one in receiver.verified(secret)] == ["webhook.test", "job.opened"]


async def test_an_address_that_may_not_be_called_is_refused_and_what_was_typed_is_kept(
    office: Office, page_of: PageOf
) -> None:
    assert office.url
    page = await page_of("ada")
    await page.goto("/set-up/webhooks/new")
    await fill(page, "http://erp.example/")
    await expect(page.get_by_role("alert")).to_contain_text("Only https is called")
    await expect(page.get_by_label("Address")).to_have_value("http://erp.example/")
    await fill(page, "https://10.0.0.7/hooks")
    await page.get_by_role("button", name="Send a test").click()
    await expect(page.get_by_role("alert")).to_contain_text("10.0.0.7, which is not on the open network")


async def test_removing_asks_first(office: Office, page_of: PageOf, receiver: Receiver) -> None:
    assert office.url
    page = await page_of("ada")
    await page.goto("/set-up/webhooks/new")
    await fill(page, receiver.url)
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Leave it").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Nobody is told yet")).to_be_visible()
