"""Devices by browser: added, enrolled from the screen by a real device, heard of, printed for, revoked, let count."""

import io
import re
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import Page, expect

from backend.devices import put_device
from backend.enrolment import code_text, make_code
from backend.master import SITE, SiteRow, put
from backend.writing import Writing
from device.agent import enrol, open_agent
from device.world import Machine
from sync.cards import read_enrolment
from sync.problems import BAD_ENROLMENT, Problem
from tests.pages.conftest import PageOf
from tests.pages.looking import sits_well
from tests.pages.office import Office
from tests.printed import codes_on, pages

pytestmark = pytest.mark.anyio


async def code_on(page: Page) -> str:
    """The text of the code as a camera sees it on the screen."""
    picture = Image.open(io.BytesIO(await page.locator(".enrol svg").screenshot()))
    (found,) = zxingcpp.read_barcodes(picture)
    return str(found.text)


async def test_a_device_is_added_and_enrolled_from_the_screen_which_says_so_by_itself(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    page = await page_of("ada")
    await page.goto("/set-up")
    await page.get_by_role("link", name="Devices Who records").click()
    await page.get_by_role("link", name="Add a device").click()
    await page.locator("#id").fill("Phone of Anna / 7")
    await page.get_by_label("Anna").check()
    await page.get_by_label("Valid until").fill("2020-01-01T00:00")
    await page.get_by_label("Valid from").fill("2021-01-01T00:00")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("ends before it begins")
    await expect(page.get_by_label("Anna")).to_be_checked()
    await page.get_by_label("Valid until").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Show or print its code next")).to_be_visible()

    await page.get_by_role("button", name="Show a code").click()
    replaced = await code_on(page)
    await page.get_by_role("button", name="Another code").click()
    text = await code_on(page)
    assert read_enrolment(text).url == office.url
    assert (await page.locator("#text").inner_text()).replace("_", " ") == text
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^(10|9):\d\d$"))
    await sits_well(page)
    with pytest.raises(Problem) as refused:
        await enrol(tmp_path / "replaced", Machine(), replaced)
    assert refused.value.kind is BAD_ENROLMENT
    await enrol(tmp_path / "phone", Machine(), text)
    await expect(page.get_by_text("Done: the device is enrolled")).to_be_visible()

    async with open_agent(tmp_path / "phone", Machine()) as agent:
        await agent.sync()
        await agent.jobs.open("anna", site="north")
        await agent.sync()
    await page.goto("/set-up/devices?q=ANNA&in_state=enrolled")
    row = page.get_by_role("row", name="Phone of Anna / 7")
    await expect(row).to_contain_text("Enrolled")
    await expect(row).to_contain_text("right")


async def test_a_manager_revokes_from_an_event_on_and_lets_count_what_comes_later(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    def begin(writing: Writing) -> str:
        put_device(office.intake.door, writing, "phone / 7", ("anna",), by="ada")
        return code_text(make_code(office.intake.door, writing, "phone / 7"))

    await enrol(tmp_path / "phone", Machine(), office.do(begin))
    async with open_agent(tmp_path / "phone", Machine()) as agent:
        await agent.sync()
        job = await agent.jobs.open("anna", site="north")
        await agent.sync()
    manager = await page_of("max")
    await manager.goto("/set-up/devices")
    await manager.get_by_role("link", name="phone / 7").click()
    await expect(manager.get_by_role("button", name="Show a code")).to_have_count(0)
    await manager.get_by_role("link", name="Revoke").click()
    await manager.get_by_label("Compromised").check()
    suspect = manager.get_by_label("Suspect from")
    await suspect.select_option(index=1)
    await expect(suspect.locator("option:checked")).to_contain_text(f"job.opened · {job[:8]}")
    await manager.get_by_role("button", name="Revoke").click()
    await expect(manager.get_by_text("It may record no more.")).to_be_visible()
    await sits_well(manager)

    async with open_agent(tmp_path / "phone", Machine()) as agent:
        await agent.jobs.note("anna", job, "written after it was revoked")
        await agent.sync()
    await manager.goto("/set-up/aside")
    await expect(manager.get_by_role("row", name="note.written")).to_be_visible()
    await sits_well(manager)
    await manager.get_by_placeholder("Reason").fill("Anna was there")
    await manager.get_by_role("button", name="Let it count").click()
    await expect(manager.get_by_text("It counts now.")).to_be_visible()
    await expect(manager.get_by_text("Nothing is put aside")).to_be_visible()


async def test_cards_are_printed_for_many_devices_and_enrol_them(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    def add(name: str) -> None:
        office.do(lambda writing: put_device(office.intake.door, writing, name, ("anna",), by="ada"))

    for name in ("first", "second", "third"):
        add(name)
    page = await page_of("ada", language="de")
    await page.goto("/set-up/device-cards")
    await expect(page.get_by_label("first")).to_be_checked()
    await page.get_by_label("third").uncheck()
    await page.get_by_label("Tage, die die Codes gelten").fill("15")
    await page.get_by_role("button", name="Codes erstellen").click()
    await expect(page.get_by_role("alert")).to_contain_text("Von 1 bis 14")
    await expect(page.get_by_label("third")).not_to_be_checked()
    form = await page.locator("main form").evaluate("form => new URLSearchParams(new FormData(form)).toString()")
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": office.url}
    answer = await page.request.post("/set-up/device-cards", data=form.replace("days=15", "days=14"), headers=headers)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    (picture,) = pages(await answer.body(), tmp_path / "cards", 150)
    texts = sorted(codes_on(picture), key=lambda text: codes_on(picture)[text][1])
    assert [await enrol(tmp_path / str(number), Machine(), text) for number, text in enumerate(texts)] == [
        "first",
        "second",
    ]


async def test_labels_are_chosen_looked_at_and_printed_in_scope(
    office: Office, page_of: PageOf, tmp_path: Path
) -> None:
    def name_sites(writing: Writing) -> None:
        put(writing.con, SITE, "north", SiteRow(name="محطة الضخ"), by="ada", now_ms=writing.now_ms)

    office.do(name_sites)
    page = await page_of("ada", language="ar")
    await page.goto("/set-up/labels")
    await expect(page.locator(".labels li")).to_have_count(2)
    await page.locator("#find").fill("sou")
    await page.locator("form.form button.quiet").click()
    await expect(page.locator(".labels li")).to_have_count(1)
    await page.locator("#start").fill("24")
    query = await page.locator("form.form").evaluate("form => new URLSearchParams(new FormData(form)).toString()")
    answer = await page.request.get(f"/set-up/labels.pdf?{query}")
    (picture,) = pages(await answer.body(), tmp_path / "labels", 150)
    ((text, (x, y)),) = codes_on(picture).items()
    assert text == "HS1:south"
    assert x > 0.67
    assert y > 0.87

    nick = await page_of("nick")
    await nick.goto("/set-up/labels")
    await expect(nick.locator(".labels li")).to_have_count(1)
    assert (await nick.request.get("/set-up/labels.pdf?site=south")).status == 404
    wrong = await nick.goto("/set-up/labels?start=99")
    assert wrong is not None
    assert wrong.status == 400
    await expect(nick.get_by_role("alert")).to_contain_text("From 1 to 24")
