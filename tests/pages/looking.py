"""What is asked of every page: nothing that axe finds, nothing that hangs over the edge, in each theme."""

import json
from functools import cache
from typing import Any

from playwright.async_api import Page

from tests.lints import ROOT

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _axe() -> str:
    return (ROOT / "requirements" / "npm" / "tests" / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page as it is, one line a rule and place."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    options = json.dumps({"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]})
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {options})")
    return [
        f"{rule['id']}: {node['html'][:160]} — {node.get('failureSummary', '')[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def sits_well(page: Page) -> None:
    """Fails where axe finds something in either theme, or where the page is wider than its window."""
    for theme in ("light", "dark"):
        await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert not (found := await violations(page)), f"{theme} {page.url}:\n" + "\n".join(found)
    over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px too wide"
