"""What is asked of every page: nothing that axe finds, nothing that hangs over the edge, in each theme."""

from functools import cache
from typing import Any, Final

from playwright.async_api import Page

from tests.lints import ROOT

_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LOOKS: Final = [
    ["light", {"type": "tag", "values": _TAGS}],
    ["dark", {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}],
]
"""Themes differ by colours: in the dark one these alone are looked at again."""
_LOOK: Final = """async (looks) => {
  const found = [];
  for (const [theme, runOnly] of looks) {
    document.documentElement.dataset.theme = theme;
    const said = await axe.run(document, { runOnly, resultTypes: ["violations"], preload: false });
    for (const rule of said.violations)
      for (const node of rule.nodes)
        found.push(`${theme} ${rule.id}: ${node.html.slice(0, 160)} — ${(node.failureSummary ?? "").slice(0, 300)}`);
  }
  return found;
}"""


@cache
def axe() -> str:
    """The source of axe-core; a tab that is given it as its first script has it on every page."""
    return (ROOT / "requirements" / "npm" / "tests" / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def sits_well(page: Page) -> None:
    """Fails where axe finds something in either theme, or where the page is wider than its window."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe())
    found: list[Any] = await page.evaluate(_LOOK, _LOOKS)
    assert not found, f"{page.url}:\n" + "\n".join(found)
    await fits(page)


async def fits(page: Page) -> None:
    """Fails where the page is wider than its window."""
    over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px too wide for {page.viewport_size}"
