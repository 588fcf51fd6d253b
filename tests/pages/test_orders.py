"""Orders by browser: a file brought and read, rows mended, jobs marked, an order matched, a cancellation decided."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from backend.sheets import read_sheet
from tests.pages.conftest import PageOf
from tests.pages.office import Office
from tests.pages.order_data import GERMAN, SEED, offer, settle_sites, take_in

pytestmark = pytest.mark.anyio


async def bring(page: Page, file: Path) -> None:
    """Afterwards the page shows what taking this file in would come to, or how it is to be read."""
    await page.goto("/orders/imports")
    await page.get_by_label("File").set_input_files(file)
    await page.get_by_role("button", name="Look at it").click()


async def figures(page: Page) -> dict[str, int]:
    """The figures that the page shows, by name."""
    names = await page.locator(".figures dt").all_inner_texts()
    numbers = await page.locator(".figures dd").all_inner_texts()
    return dict(zip(names, map(int, numbers), strict=True))


async def test_a_file_of_two_hundred_rows_is_brought_looked_at_mended_and_brought_again(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    settle_sites(office)
    page = await page_of("dora")
    await bring(page, SEED / "orders-200.csv")
    await expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    assert await figures(page) == {
        "Rows": 200,
        "New": 134,
        "Changed": 0,
        "As before": 0,
        "Cancelled": 0,
        "Put aside": 7,
    }
    assert office.read(lambda con: con.execute("SELECT count(*) FROM order_row").fetchone()) == (0,)
    await page.get_by_role("button", name="Take 193 rows in").click()
    await expect(page).to_have_url(re.compile(r"/orders/imports/\d+$"))
    assert (await figures(page))["New"] == 134
    events = office.read(lambda con: con.execute("SELECT count(*) FROM event").fetchone())

    # The table to take along has the rows that wait, and reads as a file of orders.
    async with page.expect_download() as told:
        await page.get_by_role("link", name="Take along as a table").click()
    kept = tmp_path / "to-mend.xlsx"
    await (await told.value).save_as(kept)
    assert len(read_sheet(kept.read_bytes()).rows) == 7

    # One is mended in place: a slip stays in its field, with what to do.
    await page.get_by_role("link", name=re.compile("Mend: Line 46")).click()
    await expect(page.get_by_label("Priority")).to_have_value("asap")
    await page.get_by_label("Priority").fill("very")
    await page.get_by_role("button", name="Take it in").click()
    await expect(page.get_by_role("alert")).to_contain_text("Write routine, urgent or critical.")
    await expect(page.get_by_label("Priority")).to_have_value("very")
    await page.get_by_label("Priority").fill("urgent")
    await page.get_by_role("button", name="Take it in").click()
    await expect(page.get_by_role("heading", name="fsm/47191")).to_be_visible()
    # Another is left out, and the same file again asks about neither and records nothing.
    await page.goto("/orders/aside")
    await page.get_by_role("link", name=re.compile("Mend: Line 19 ")).click()
    await page.locator("#why").fill("there is no such place")
    await page.get_by_role("button", name="Leave it out").click()
    await expect(page.get_by_role("status").filter(has_text="left out")).to_be_visible()
    mended = office.read(lambda con: con.execute("SELECT count(*) FROM event").fetchone())
    assert mended > events
    await bring(page, SEED / "orders-200.csv")
    assert await figures(page) == {
        "Rows": 200,
        "New": 0,
        "Changed": 0,
        "As before": 134,
        "Cancelled": 0,
        "Put aside": 7,
    }
    await page.get_by_role("button", name="Take 193 rows in").click()
    await expect(page.get_by_role("link", name=re.compile("^Mend:"))).to_have_count(5)
    assert office.read(lambda con: con.execute("SELECT count(*) FROM event").fetchone()) == mended


async def test_a_changed_file_marks_the_jobs_that_were_offered_and_a_cancellation_is_decided(
    office: Office, page_of: PageOf
) -> None:
    settle_sites(office)
    take_in(office, "orders-200.csv")
    offer(office, ("fsm/47100", "fsm/47101", "fsm/47102", "fsm/47104"))
    page = await page_of("dora")
    await bring(page, SEED / "orders-200-changed.csv")
    await page.get_by_role("button", name="Take 193 rows in").click()
    await page.goto("/orders?view=changed")
    assert await page.locator("tbody th a").all_inner_texts() == ["fsm/47100", "fsm/47101", "fsm/47102"]
    await page.get_by_role("link", name="fsm/47100").click()
    await expect(page.get_by_text("It changed after the job was offered")).to_be_visible()
    await expect(page.locator(".sayings")).to_contain_text("was 9 Mar 2027, 07:00")

    await page.get_by_role("navigation", name="You are here").get_by_role("link", name="Orders").click()
    await page.get_by_role("link", name=re.compile("Cancelled after offered")).click()
    await page.get_by_role("link", name="fsm/47104").click()
    await expect(page.locator(".sayings")).to_contain_text("the customer put it right")
    await page.get_by_label("Cancel the job and withdraw open offers").check()
    await page.get_by_label("Reason").fill("nobody needs it")
    await page.get_by_role("button", name="Decide").click()
    await expect(page.get_by_text("Decided: the job was cancelled")).to_be_visible()
    await page.goto("/orders?view=cancelled")
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


async def test_an_order_that_names_no_job_is_matched_by_a_person_who_sees_why(office: Office, page_of: PageOf) -> None:
    settle_sites(office)
    take_in(office, "orders-200.csv")
    page = await page_of("dora")
    await page.goto("/orders?view=waiting")
    name = await page.locator("tbody th a").first.inner_text()
    await page.locator("tbody th a").first.click()
    await expect(page.locator(".fit").first).to_contain_text("same site")
    await page.get_by_role("button", name=re.compile("^It belongs here")).first.click()
    await expect(page.get_by_role("status").filter(has_text="It hangs on the job now")).to_be_visible()
    (job,) = office.read(lambda con: con.execute("SELECT job FROM order_row WHERE name = ?", (name,)).fetchone())
    assert job > 0
    # Somebody at the depot reads, and is offered nothing to do.
    depot = await page_of("cleo")
    await depot.goto("/orders?view=waiting")
    await depot.locator("tbody th a").first.click()
    await expect(depot.get_by_role("heading", name="Where does it belong?")).to_be_visible()
    await expect(depot.get_by_role("button", name=re.compile("^It belongs here"))).to_have_count(0)


async def test_a_file_with_headings_of_its_own_is_mapped_once_and_known_the_next_time(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    settle_sites(office)
    page = await page_of("dora")
    file = tmp_path / "export.csv"
    file.write_text(GERMAN)
    await bring(page, file)
    await expect(page.get_by_role("heading", name="Which column is which?")).to_be_visible()
    await expect(page.get_by_label("Number: Column")).to_have_value("Auftragsnr")
    await expect(page.get_by_label("Dates")).to_have_value("dmy")
    await page.get_by_label("Intent: Column").select_option("Bemerkung")
    await page.get_by_label("Source: Always").fill("sap")
    await page.get_by_label("Keep it as").fill("sap")
    await page.get_by_role("button", name="Keep it and look").click()
    assert await figures(page) == {"Rows": 3, "New": 2, "Changed": 0, "As before": 0, "Cancelled": 0, "Put aside": 0}
    await expect(page.get_by_role("cell", name="9 Mar 2027, 08:00")).to_be_visible()
    await page.get_by_role("button", name="Take 3 rows in").click()
    await page.goto("/orders?text=5001")
    await page.get_by_role("link", name="sap/5001").click()
    await expect(page.locator("dd", has_text="Tor klemmt")).to_be_visible()
    file.write_text(GERMAN.replace("hoch", "normal"))
    await bring(page, file)
    await expect(page.get_by_label("Keep it as")).to_have_value("sap")
    await expect(page.get_by_label("Intent: Column")).to_have_value("Bemerkung")
    await page.locator("#words-priority").fill("normal")
    await page.get_by_role("button", name="Keep it and look").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Intent: Column")).to_have_value("Bemerkung")
    await page.locator("#words-priority").fill("normal = routine")
    await page.get_by_role("button", name="Keep it and look").click()
    await expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    assert (await figures(page))["Changed"] == 1


async def test_a_file_that_is_none_says_so_and_takes_nothing_in(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    assert office.url
    page = await page_of("dora")
    file = tmp_path / "broken.xlsx"
    file.write_bytes(b"PK\x03\x04 no workbook")
    await bring(page, file)
    await expect(page.get_by_role("alert")).to_contain_text("no workbook")
    await expect(page.get_by_role("heading", name="No file yet")).to_be_visible()
