"""Labels: chosen by site, kind and what is looked for, seen before they are printed, printed on sheets from a shop."""

import asyncio
import sqlite3
from typing import Any

from litestar import Response, Router, get

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.labels import MAY_PRINT, asset_types, find_labels, read_asked
from backend.master import SITE, all_of
from backend.pages.shell import frame_of, page, said_problem
from backend.printing.label_sheet import LABELLED, READ_CM, Label, label_sheets, reads_from_cm
from backend.printing.stock import STOCKS, Stock, find_stock
from backend.printing.symbols import label_matrix, svg_path
from backend.reach import EVERY_SITE
from backend.words import words
from sync.problems import NOT_FOUND, Problem

__all__ = ["router"]

_SHOWN = 12


@get("/set-up/labels")
async def labels(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """What would be printed, how many sheets that takes, and what to look out for."""
    asked, keys = read_asked(request.query_params, frame_of(request).words.language), request.auth.keys()

    def read(con: sqlite3.Connection) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
        sites = [(id_, row.name) for id_, row in all_of(con, SITE) if keys & {EVERY_SITE, f"site:{id_}"}]
        return sorted(sites, key=lambda pair: (pair[1] or pair[0]).casefold()), asset_types(con, keys)

    sites, types = await intake.store.reading(read)
    found: tuple[Label, ...] = ()
    problem, stock, start = None, STOCKS[0], 1
    try:
        stock = find_stock(asked.sheet)
        start = asked.place(stock)
        asked.spoken()
        found = await intake.store.reading(lambda con: find_labels(con, asked.wanted(), keys))
    except Problem as caught:
        if caught.kind is NOT_FOUND:  # the same for what is out of scope: there is no such page
            raise
        problem = caught
    spoken = frame_of(request).words
    content = {
        "asked": asked,
        "sites": sites,
        "types": types,
        "kinds": [(kind, spoken.of("labels.kind", kind)) for kind in LABELLED],
        "stocks": [(one.name, _called(spoken, one)) for one in STOCKS],
        "count": len(found),
        "pages": -(-(start - 1 + len(found)) // stock.count),
        "per_sheet": stock.count,
        "shown": [(one, *_drawn(one)) for one in found[:_SHOWN]],
        "doubtful": sorted({one.id for one in found if one.doubtful}),
        "near": [one.id for one in found if reads_from_cm(one, stock) < READ_CM][:5],
        "problem": said_problem(spoken, problem) if problem else None,
    }
    return page(request, "labels/labels.html", status=problem.kind.status if problem else 200, **content)


def _called(spoken: Any, stock: Stock) -> str:  # noqa: ANN401 - the reader's words
    width, height = (spoken.number(side) for side in stock.label)
    known = f" ({stock.known_as})" if stock.known_as else ""
    size = f"\u2066{width}\u00d7{height} mm{known}\u2069"  # from left to right in every language
    return f"{spoken.of('labels.paper', stock.name)}: {size}"


def _drawn(label: Label) -> tuple[int, str]:
    matrix = label_matrix(label.text)
    return len(matrix), svg_path(matrix)


@get("/set-up/labels.pdf")
async def printed(request: StaffRequest, intake: TheIntake) -> Response[bytes]:
    """The labels as a PDF, to be printed at 100 %."""
    asked, keys = read_asked(request.query_params, frame_of(request).words.language), request.auth.keys()
    stock = find_stock(asked.sheet)
    start, spoken = asked.place(stock), words(asked.spoken())
    found = await intake.store.reading(lambda con: find_labels(con, asked.wanted(), keys))
    now_ms = intake.door.world.now_ms()
    raw = await asyncio.to_thread(lambda: label_sheets(found, stock, spoken, now_ms, start=start))
    headers = {"content-disposition": 'inline; filename="labels.pdf"', "cache-control": "no-store"}
    return Response(raw, media_type="application/pdf", headers=headers)


router = Router("/", route_handlers=[labels, printed], guards=[may(*MAY_PRINT)], include_in_schema=False)
