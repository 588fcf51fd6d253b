"""Every page of the office, looked at in every language, at phone and desktop size, in both themes.

A new page is one line in PAGES; a page that is not there fails the test. What the page shows is put in by `furnish`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import pytest
from playwright.async_api import Page

from backend.accounts.identities import Identity, link
from backend.accounts.links import make_link
from backend.accounts.sessions import COOKIE, open_session
from backend.accounts.tokens import TokenAsked, make_token
from backend.addresses import PROGRAMS
from backend.app import create_app
from backend.config import Settings
from backend.devices import put_device
from backend.master import PersonRow
from backend.masters.files import keep_file
from backend.masters.taking import held_rows, plan, take
from backend.pages.catalogue import page_words
from backend.people import save_person
from backend.policies.keeping import put_in_force
from backend.policies.templates import template
from backend.sample import sample_lines
from backend.webhooks import endpoints
from backend.webhooks.endpoints import AskedHook
from backend.words import LANGUAGES, Language
from backend.world import Machine
from backend.writing import Writing
from tests.pages.conftest import PHONE, WIDE, PageOf
from tests.pages.jobs_made import make
from tests.pages.looking import axe, fits, sits_well
from tests.pages.office import Office
from tests.pages.order_data import furnish_orders
from tests.routes import routes_of

pytestmark = pytest.mark.anyio

WITHOUT_ADMIN: Final = (("/first", ""),)
"""Address and a person who may see the page ("" is nobody), in an office that nobody administers yet."""
WITHOUT_DATA: Final = (
    ("/set-up/data/articles", "ada"),
    ("/set-up/workbook", "ada"),
    ("/set-up", "ada"),
    ("/set-up/programs", "ada"),
    ("/set-up/devices", "ada"),
    ("/set-up/policies", "ada"),
    ("/set-up/webhooks", "ada"),
    ("/jobs", "dora"),
    ("/items", "cleo"),
    ("/search", "ada"),
    ("/orders", "dora"),
    ("/orders/imports", "dora"),
    ("/orders/aside", "dora"),
)
"""The same where people work and nothing else was put in: what a page says that is empty."""
PAGES: Final = (
    ("/sign-in", ""),
    ("/account", "ada"),
    ("/set-up", "ada"),
    ("/nowhere", "ada"),
    ("/set-up/data/assets", "ada"),
    ("/set-up/data/crews/new", "ada"),
    ("/set-up/data/sites/row?key=old-mill", "ada"),
    ("/set-up/workbook", "ada"),
    ("/set-up/workbook/{file}", "ada"),
    ("/data", "dora"),
    ("/data/customers", "cleo"),
    ("/data/contacts/row?key=havel-water-control", "max"),
    ("/set-up/policies", "ada"),
    ("/set-up/policies/new?template_=technician-to-customer", "ada"),
    ("/set-up/policies/shift-to-shift", "ada"),
    ("/set-up/policies/shift-to-shift/edit", "ada"),
    ("/link/{secret}", ""),
    ("/set-up/people", "ada"),
    ("/set-up/people?q=nobody+at+all", "ada"),
    ("/set-up/people/new", "ada"),
    ("/set-up/people/anna?done=added", "ada"),
    ("/set-up/people/anna/edit", "ada"),
    ("/set-up/teams", "ada"),
    ("/set-up/teams/new", "ada"),
    ("/set-up/teams/desk", "ada"),
    ("/set-up/programs", "ada"),
    ("/set-up/programs/new", "ada"),
    ("/set-up/programs/erp", "ada"),
    ("/set-up/programs/erp/edit", "ada"),
    ("/set-up/devices", "max"),
    ("/set-up/devices?q=nothing&in_state=new", "ada"),
    ("/set-up/device?id=phone-anna", "ada"),
    ("/set-up/new-device", "ada"),
    ("/set-up/device/edit?id=phone-anna", "ada"),
    ("/set-up/device/revoke?id=phone-anna", "max"),
    ("/set-up/device-cards", "ada"),
    ("/set-up/aside", "max"),
    ("/set-up/labels", "ada"),
    ("/set-up/webhooks", "ada"),
    ("/set-up/webhooks/new", "ada"),
    ("/set-up/webhooks/{hook}", "ada"),
    ("/set-up/webhooks/{hook}/edit", "ada"),
    ("/jobs", "dora"),
    ("/jobs?customer=nobody", "max"),
    ("/jobs/new?site=north&asset=oven-7&customer=kim", "dora"),
    ("/jobs/{whole}", "cleo"),
    ("/jobs/{whole}?do=edit", "dora"),
    ("/jobs/{contested}?do=resolve", "dora"),
    ("/jobs/{whole}/events/{event}", "max"),
    ("/items?only=reserved", "cleo"),
    ("/items/{item}", "cleo"),
    ("/search?q=oven", "dora"),
    ("/orders?view=waiting", "dora"),
    ("/orders?view=cancelled", "cleo"),
    ("/orders/order?name={waiting}", "dora"),
    ("/orders/order?name={changed}", "cleo"),
    ("/orders/order?name={cancelled}", "dora"),
    ("/orders/imports", "dora"),
    ("/orders/imports/{run}", "dora"),
    ("/orders/uploads/{mapped}/mapping", "dora"),
    ("/orders/uploads/{plain}", "dora"),
    ("/orders/aside", "dora"),
    ("/orders/aside/{aside}", "dora"),
)
"""The same where there is data; `{…}` in an address stands for what `furnish` says."""
NO_PAGES: Final[Mapping[str, str]] = {
    "/set-up/data/{name}/csv": "a file",
    "/set-up/workbook/template": "a file",
    "/set-up/workbook/current": "a file",
    "/set-up/workbook/{file}/mend": "a file",
    "/sign-in/with/{provider}": "goes to the sign-in service",
    "/sign-in/with/{provider}/answer": "goes where one wanted to go before",
    "/": "goes to the first page that one may see",
    "/set-up/policies/{boundary}/policy.json": "a file",
    "/jobs/new/found": "a part of a page",
    "/search/quick": "a part of a page",
    "/jobs/{job}/events/{event}/bytes": "a file",
    "/jobs/{job}/blobs/{blob}": "a file",
    "/handovers/{handover}/receipt.pdf": "a file",
    "/handovers/{handover}/proof.zip": "a file",
    "/set-up/device/code": "a part of the page that shows a code, which is looked at in test_devices.py",
    "/set-up/labels.pdf": "a file",
    "/orders/aside/table.xlsx": "a file",
}
"""Addresses that are asked for and answer no page, and what they answer instead."""


async def furnish(office: Office) -> dict[str, str]:
    """Puts in what the pages show; what `{…}` in an address stands for, by name."""
    door = office.intake.door
    rows = sample_lines(door.world.now_ms(), "UTC")

    def put_in(writing: Writing) -> str:
        take(writing.con, plan(rows, held_rows(writing.con)), by="ada", now_ms=writing.now_ms)
        door.cut(writing)
        return keep_file(door, writing, "sites.csv", b"id,zone,lat\nold-mill,Europe/Berlin,1\nx,Nowhere,2\n", by="ada")

    file = office.do(put_in)
    asked = AskedHook(label="ERP", url="https://erp.example/hooks", kinds=("handover",), sites=("*",))
    world = office.intake.door.world
    hook = office.do(lambda writing: endpoints.add(writing.con, world, asked, by="ada"))
    shift = template("shift-to-shift", page_words("en"), desk="desk", salt="salt")
    office.do(lambda writing: put_in_force(writing, shift, by="ada"))
    made = msgspec.structs.asdict(await make(office))
    return (
        made
        | furnish_orders(office)
        | {"hook": hook, "file": file, "secret": office.do(lambda writing: _people(writing, office))}
    )


def _people(writing: Writing, office: Office) -> str:
    """Somebody with all that a person can have, a program with a token; the secret of a link."""
    con, world = writing.con, office.intake.door.world
    anna = PersonRow(
        name="Anna Ångström",
        roles=("technician", "depot"),
        skills=("gas", "heights"),
        teams=("desk",),
        sites=("north",),
        trained_until="2030-01-01T00:00:00Z",
        email="anna@example.org",
        phone="+46 8 123 45",
    )
    save_person(office.intake.door, writing, "anna", anna, by="ada")
    put_device(office.intake.door, writing, "phone-anna", ("anna",), by="ada")
    save_person(office.intake.door, writing, "erp", PersonRow(roles=("integration",), sites=("*",)), by="ada")
    make_token(con, world, "erp", TokenAsked(label="ERP", endpoints=("GET /api/jobs",)), by="ada")
    link(con, Identity(issuer="https://id.example", subject="17", email="anna@example.org"), "anna", writing.now_ms)
    for agent in ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36", ""):
        open_session(con, world, "anna", agent=agent, address="192.0.2.7")
    return make_link(con, world, "anna", "reset", by="ada")


class Looking:
    """One tab that goes from page to page; who is signed in changes with its cookie."""

    def __init__(self, office: Office, page: Page, language: str) -> None:
        self._office = office
        self._page = page
        self._language = language
        self._person = ""
        self._tokens: dict[str, str] = {}

    async def _become(self, person: str) -> None:
        """Afterwards this person is signed in, "" is nobody."""
        if person == self._person:
            return
        self._person = person
        await self._page.context.clear_cookies(name=COOKIE)
        if person:
            if person not in self._tokens:
                self._tokens[person] = self._office.session(person)
            value = self._tokens[person]
            await self._page.context.add_cookies(
                [{"name": COOKIE, "value": value, "url": "https://127.0.0.1", "secure": True}]
            )

    async def at(self, path: str, person: str) -> None:
        """Fails where something is wrong with this page as the person sees it."""
        await self._become(person)
        await self._page.set_viewport_size(PHONE)
        await self._page.goto(path)
        assert self._page.url.removeprefix(self._office.url) == path, "another page was shown"
        await sits_well(self._page)
        await self._page.set_viewport_size(WIDE)
        if self._language == "en":  # what wide and narrow differ in besides width, they differ in in every language
            await sits_well(self._page)
        await fits(self._page)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_page_sits_well(empty_office: Office, page_of: PageOf, language: Language) -> None:
    page = await page_of(language=language)
    await page.add_init_script(axe())
    looking = Looking(empty_office, page, language)

    async def look(pages: tuple[tuple[str, str], ...], names: Mapping[str, str]) -> None:
        for path, person in pages:
            await looking.at(path.format_map(names), person)

    await look(WITHOUT_ADMIN, {})
    empty_office.settle()
    await look(WITHOUT_DATA, {})
    await look(PAGES, await furnish(empty_office))


def test_every_page_is_in_the_table(tmp_path: Path) -> None:
    app = create_app(Settings(database=tmp_path / "handover.db"), Machine())
    asked = {path for path, method in routes_of(app) if method == "GET" and not path.startswith((*PROGRAMS, "/static"))}
    shown = [path.partition("?")[0] for path, _ in (*WITHOUT_ADMIN, *WITHOUT_DATA, *PAGES)]

    def is_shown(route: str) -> bool:
        like = re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(route)))
        return any(like.fullmatch(path) for path in shown)

    assert {route for route in asked if not is_shown(route)} == NO_PAGES.keys()
