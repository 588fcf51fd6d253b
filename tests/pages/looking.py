"""What is asked of every page: nothing that axe finds, nothing that hangs over the edge, in each theme."""

import json
from functools import cache
from typing import Any

from playwright.async_api import Page

from tests.lints import ROOT

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OF_COLOURS = ("color-contrast", "link-in-text-block")


@cache
def _axe() -> str:
    return (ROOT / "requirements" / "npm" / "tests" / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds on the page as it is, one line a rule and place; with `rules`, of these alone."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": _TAGS}
    options = json.dumps({"runOnly": only, "resultTypes": ["violations"]})
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {options})")
    return [
        f"{rule['id']}: {node['html'][:160]} — {node.get('failureSummary', '')[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def sits_well(page: Page) -> None:
    """Fails where axe finds something in either theme, or where the page is wider than its window.

    Themes differ by colours: in the dark one these alone are looked at again.
    """
    for theme, rules in (("light", ()), ("dark", _OF_COLOURS)):
        await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert not (found := await violations(page, *rules)), f"{theme} {page.url}:\n" + "\n".join(found)
    await fits(page)


async def fits(page: Page) -> None:
    """Fails where the page is wider than its window."""
    over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px too wide for {page.viewport_size}"
