"""Master data by browser: added, changed, ended, brought in by spreadsheet; read by those whom it concerns."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from backend.master import PERSON, SITE, PersonRow, SiteRow, find, put
from backend.masters.book import read_file
from backend.masters.keeping import history
from backend.masters.rows import CUSTOMER, CustomerRow
from backend.masters.sheets import BY_NAME
from backend.sample import put_sample_in
from backend.writing import Writing
from tests.pages.conftest import PHONE, PageOf
from tests.pages.looking import sits_well
from tests.pages.office import Office

pytestmark = pytest.mark.anyio


async def tabbed_to(page: Page, name: str) -> None:
    """Goes on by the tabulator until the focus is on what is called so."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        label = "(e => e.labels?.[0]?.innerText ?? e.innerText ?? '')(document.activeElement)"
        if (await page.evaluate(label)).strip().startswith(name):
            return
    pytest.fail(f"{name} is not reached by keyboard")


async def test_a_row_is_added_mended_changed_and_ended_by_keyboard_alone(office: Office, page_of: PageOf) -> None:
    page = await page_of("ada")
    await page.goto("/set-up/data/sites")
    await tabbed_to(page, "Add")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sites: new")
    for label, text in (("Id", "mill"), ("Name", "The mill"), ("Time zone", "Nowhere"), ("Latitude", "way off")):
        await tabbed_to(page, label)
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    await expect(alert).to_be_focused()
    await expect(alert).to_contain_text("2 fields need another look")
    await expect(page.get_by_label("Name")).to_have_value("The mill")
    await expect(page.get_by_label("Latitude")).to_have_value("way off")
    await expect(page.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    await sits_well(page)
    await tabbed_to(page, "Time zone")
    await page.keyboard.press("Enter")  # the link in what is said leads to the field
    for label, text in (("", "Europe/Berlin"), ("Latitude", "52.3989")):
        if label:
            await tabbed_to(page, label)
        await page.keyboard.press("ControlOrMeta+a")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Added.")).to_be_visible()
    await tabbed_to(page, "Name")
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("The old mill")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Saved.")).to_be_visible()
    newest = page.get_by_role("region", name="History").get_by_role("row").nth(1)
    await expect(newest).to_contain_text("ada")
    await expect(newest).to_contain_text(re.compile("The mill.*The old mill"))
    assert [one.by for one in office.do(lambda w: history(w.con, BY_NAME["sites"], "mill"))] == ["ada", "ada"]
    await tabbed_to(page, "End it")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("no longer in force")).to_be_visible()
    assert office.do(lambda w: find(w.con, SITE, "mill")) is None


async def test_what_others_name_shows_who_does_and_a_last_day_to_come_can_be_taken_back(
    office: Office, page_of: PageOf
) -> None:
    def name_it(writing: Writing) -> None:
        put(writing.con, CUSTOMER, "kim", CustomerRow(sites=("mill",)), by="test", now_ms=writing.now_ms)
        for site in ("mill", "quay"):
            put(writing.con, SITE, site, SiteRow(), by="test", now_ms=writing.now_ms)

    office.do(name_it)
    page = await page_of("ada", viewport=PHONE)
    await page.goto("/set-up/data/sites/row?key=mill")
    ending = page.get_by_role("region", name="No longer in force")
    await ending.get_by_role("link", name="kim").click()
    await expect(page).to_have_url(re.compile("/customers/row"))
    await page.goto("/set-up/data/sites/row?key=quay")
    await page.get_by_label("Last day").fill("2099-12-31")
    await page.get_by_role("button", name="End it").click()
    await expect(ending).to_contain_text("ada set that it is in force until")
    await sits_well(page)
    await page.get_by_role("button", name="Keep it in force").click()
    await expect(page.get_by_role("button", name="End it")).to_be_visible()


async def test_two_who_change_a_row_at_once_do_not_overwrite_each_other(office: Office, page_of: PageOf) -> None:
    page = await page_of("ada")
    await page.goto("/set-up/data/sites/row?key=north")
    office.do(lambda w: put(w.con, SITE, "north", SiteRow(name="Far north"), by="bo", now_ms=w.now_ms))
    await page.get_by_label("Name").fill("My north")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else changed this")
    await expect(page.get_by_label("Name")).to_have_value("My north")
    await expect(page.get_by_role("region", name="History")).to_contain_text("Far north")


async def test_a_list_is_searched_as_one_types_and_without_a_script_as_well(office: Office, page_of: PageOf) -> None:
    office.do(lambda w: [put(w.con, SITE, f"s{n:03}", SiteRow(name=f"Hall {n}"), by="x", now_ms=1) for n in range(70)])
    page = await page_of("ada")
    await page.goto("/set-up/data/sites")
    await expect(page.get_by_text("72 entries")).to_be_visible()
    await page.locator("main").get_by_role("searchbox").focus()
    await page.keyboard.type("hall 42")
    await expect(page.get_by_text("1 of 72 found")).to_be_visible()
    await expect(page.get_by_role("link", name="Hall 42")).to_be_visible()
    await expect(page).to_have_url(re.compile("q=hall(%20|\\+)42"))
    plain = await page_of("ada", java_script_enabled=False)
    await plain.goto("/set-up/data/sites")
    await plain.get_by_role("link", name="Show more").click()
    await expect(plain.get_by_role("link", name="Hall 69")).to_be_visible()
    await plain.get_by_label("Search").fill("nothing like it")
    await plain.get_by_role("button", name="Find").click()
    await expect(plain.get_by_text("0 of 72 found")).to_be_visible()


async def test_a_spreadsheet_is_looked_at_taken_and_what_was_put_aside_is_mended(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    sent = tmp_path / "sites.csv"
    sent.write_text(
        "id,name,zone,lat,hours\nmill,The mill,Europe/Berlin,52.4,\nnorth,North,UTC,,\nsouth,Far south,UTC,,\n"
        "bad-1,,Nowhere,,\nbad-2,,UTC,way off,\nbad-3,,UTC,,never\n"
    )
    page = await page_of("ada")
    await page.goto("/set-up/workbook")
    await page.get_by_label("File", exact=True).set_input_files(sent)
    await page.get_by_role("button", name="Look at what would change").click()
    figures = page.get_by_role("list", name="What this file would change").get_by_role("listitem")
    await expect(figures).to_have_count(4)
    assert await figures.all_inner_texts() == ["1\nnew", "1\nchanged", "1\nthe same", "3\nput aside"]
    aside = page.get_by_role("region", name="3 rows put aside")
    for said in ("Sites, line 5", "Write a time zone", "way off", "No such id under Working hours"):
        await expect(aside).to_contain_text(said)
    assert office.do(lambda w: find(w.con, SITE, "mill")) is None
    await page.get_by_role("button", name="Take 2 rows in").click()
    await expect(page.get_by_text("Taken in: 1 new, 1 changed; 1 were the same.")).to_be_visible()
    assert office.do(lambda w: find(w.con, SITE, "mill")) == SiteRow(name="The mill", zone="Europe/Berlin", lat=52.4)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Sheet to mend").click()
    path = tmp_path / "to-mend.xlsx"
    await (await downloading.value).save_as(path)
    lines = read_file("to-mend.xlsx", path.read_bytes()).lines
    assert [line.cells["id"] for line in lines] == ["bad-1", "bad-2", "bad-3"]
    await page.goto("/set-up/workbook")
    await expect(page.get_by_role("region", name="Files that were sent")).to_contain_text("3 rows put aside")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 no workbook")
    await page.get_by_label("File", exact=True).set_input_files(broken)
    await page.get_by_role("button", name="Look at what would change").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is no workbook that can be read")


async def test_an_empty_office_says_what_to_do_first_and_takes_a_sample_at_one_click(
    empty_office: Office, page_of: PageOf
) -> None:
    def ada(writing: Writing) -> None:
        row = PersonRow(roles=("admin",), sites=("*",))
        put(writing.con, PERSON, "ada", row, by="test", now_ms=writing.now_ms)
        empty_office.intake.door.cut(writing)

    empty_office.do(ada)
    page = await page_of("ada")
    await page.goto("/set-up")
    steps = page.get_by_role("region", name="What to do first")
    await expect(steps.get_by_role("listitem").filter(has_text="Sites where work is done")).to_contain_text("to do")
    await page.get_by_role("button", name="Put the sample organisation in").click()
    await expect(page.get_by_text("The sample organisation is in.")).to_be_visible()
    await expect(steps.get_by_role("listitem").filter(has_text="Sites where work is done")).to_contain_text("done")
    await expect(page.get_by_role("button", name="Put the sample organisation in")).to_have_count(0)
    await page.get_by_role("link", name=re.compile("^Assets")).click()
    await expect(page.get_by_role("link", name="Pump 7")).to_be_visible()


async def test_who_dispatches_reads_what_is_in_scope_and_changes_nothing(empty_office: Office, page_of: PageOf) -> None:
    def begin(writing: Writing) -> None:
        put_sample_in(empty_office.intake.door, writing, by="ada")
        row = PersonRow(roles=("dispatcher",), sites=("cold-store",))
        put(writing.con, PERSON, "nick", row, by="test", now_ms=writing.now_ms)
        empty_office.intake.door.cut(writing)

    empty_office.do(begin)
    page = await page_of("nick", viewport=PHONE)
    await page.goto("/data")
    await page.get_by_role("link", name="Customers").click()
    await expect(page.get_by_text("1 entry")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Polar Foods Logistics")
    await expect(row).not_to_contain_text("Bakery")
    await expect(page.get_by_role("link", name="Add")).to_have_count(0)
    await page.get_by_role("link", name="Polar Foods Logistics").click()
    await expect(page.get_by_role("link", name="+49 30 23125350")).to_have_attribute("href", "tel:+493023125350")
    await expect(page.locator("main")).not_to_contain_text("Bakery")
    hidden = await page.goto("/data/customers/row?key=charlotten")
    assert hidden is not None
    assert hidden.status == 404
    forbidden = await page.goto("/set-up/data/customers")
    assert forbidden is not None
    assert forbidden.status == 403
