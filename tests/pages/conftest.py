"""A real office, a real Chromium, and a page for whoever is signed in; what the browser complains of fails the test."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

from backend.accounts.sessions import COOKIE
from tests.pages.office import Office

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 780}
PageOf = Callable[..., Awaitable[Page]]


@pytest.fixture
def empty_office(tmp_path: Path) -> Iterator[Office]:
    """A backend with an empty database."""
    with Office(tmp_path) as office:
        yield office


@pytest.fixture
def office(empty_office: Office) -> Office:
    """One where people work."""
    empty_office.settle()
    return empty_office


@pytest.fixture(scope="session")
async def chromium(anyio_backend: str) -> AsyncIterator[Browser]:  # noqa: ARG001 - it lives as long as the loop
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page_of(chromium: Browser, empty_office: Office) -> AsyncIterator[PageOf]:
    """A page of a browser of somebody's own: `page = await page_of("dora")`; "" is signed in as nobody."""
    complaints: list[str] = []
    contexts = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error" and "the server responded with a status of" not in message.text:
            complaints.append(message.text)

    async def make(person: str = "", *, language: str = "en", **more: object) -> Page:
        options: dict[str, Any] = {
            "base_url": empty_office.url,
            "locale": language,
            "viewport": WIDE,
            "reduced_motion": "reduce",
        } | more
        context = await chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        where = "https://127.0.0.1"  # a cookie has no port, and one of this kind is set by https alone
        cookies: list[SetCookieParam] = [{"name": "language", "value": language, "url": where}]
        if person:
            cookies.append({"name": COOKIE, "value": empty_office.session(person), "url": where, "secure": True})
        await context.add_cookies(cookies)
        page = await context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        await context.close()
    assert not complaints
