"""Two years before the day: drawn with a known truth, imported and reported by the product's own commands.

It runs as a process of its own beside the day and prints one line of JSON: `python -m trial.past SPEC`.
"""

import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from sync.clock import rfc3339
from sync.problems import HOST_GONE, Problem
from trial.history import SEVERITY, WEEK_MS, History, Plan, Truth, history, switch_on_csv, visits_csv

SMALL = Plan(assets=40, rate=2.4)
"""The plan of a fast demo: as many sites and weeks, half the visits."""


class PastSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which history, until when (ms since 1970), and into which backend's database."""

    seed: int
    end_ms: int
    database: str
    directory: str
    fast: bool = False


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What the product reports of the history, and what only the one who drew it knows.

    `immature` visits are those whose window is not known to be over; `report` is the product's own, whole.
    """

    seed: int
    sites: int
    never_live: int
    visits: int
    truth: Truth
    report: dict[str, Any]


def drawn(spec: PastSpec) -> History:
    """The two years that end with the day."""
    plan = SMALL if spec.fast else Plan()
    start_ms = spec.end_ms - plan.weeks * WEEK_MS
    return history(spec.seed, msgspec.structs.replace(plan, start=rfc3339(start_ms)))


def told(spec: PastSpec) -> Past:
    """The history is in the database afterwards; given is what is reported of it."""
    from backend.commands import imports, report

    past = drawn(spec)
    folder = Path(spec.directory)
    folder.mkdir(parents=True, exist_ok=True)
    visits, switch_on = folder / "visits.csv", folder / "switch-on.csv"
    visits.write_text(visits_csv(past.visits))
    switch_on.write_text(switch_on_csv(past.switch_on))
    where = ("--database", spec.database)
    severity = ("--severity", ",".join(SEVERITY))
    said(imports.main, "visits", str(visits), "--switch-on", str(switch_on), *severity, *where)
    raw = said(report.main, "avoided", "--as-of", rfc3339(spec.end_ms), "--randomised", "--json", *where)
    facts: dict[str, Any] = msgspec.json.decode(raw)
    sites = {visit.site for visit in past.visits}
    return Past(
        seed=spec.seed,
        sites=len(sites),
        never_live=len(sites - past.switch_on.keys()),
        visits=len(past.visits),
        truth=_truth(past, facts["manifest"]["watermarks"]),
        report=facts,
    )


def said(command: Callable[[list[str]], int], *words: str) -> str:
    """What a command of the product printed; HOST_GONE with its own words where it did not end well."""
    out, wrong = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(wrong):
        code = command(list(words))
    if code:
        raise Problem(HOST_GONE, f"exit {code}: {wrong.getvalue().strip()}", " ".join(words[:1]))
    return out.getvalue()


def _truth(past: History, watermarks: dict[str, int]) -> Truth:
    """The truth over the visits that the report took as mature: each site's up to its own watermark."""
    site_of = {visit.id: visit.site for visit in past.visits}
    parts = []
    for watermark_ms in sorted(set(watermarks.values())):
        here = tuple(one for one in past.drawn if watermarks.get(site_of[one.id]) == watermark_ms)
        parts.append(msgspec.structs.replace(past, drawn=here).truth(watermark_ms))
    fields = Truth.__struct_fields__
    return Truth(**{field: sum(getattr(part, field) for part in parts) for field in fields})


if __name__ == "__main__":
    print(msgspec.json.encode(told(msgspec.json.decode(sys.argv[1], type=PastSpec))).decode())
