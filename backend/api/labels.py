"""Labels as a PDF, for programs."""

import asyncio

from litestar import Response, Router, get

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.labels import MAY_PRINT, find_labels, read_asked
from backend.printing.label_sheet import label_sheets
from backend.printing.stock import find_stock
from backend.words import words

__all__ = ["router"]


@get("/labels.pdf", guards=[may(*MAY_PRINT)])
async def printed(request: StaffRequest, intake: TheIntake) -> Response[bytes]:
    """Labels in the caller's scope on sheets, to be printed at 100 %.

    The address says which: `site`, `kinds` (site, point, asset; again for more), `type` of asset, `id`, `find` in name
    or id; on which `sheet`, from which place on (`start`), in which `language`.
    """
    asked, keys = read_asked(request.query_params), request.auth.keys()
    stock = find_stock(asked.sheet)
    start, spoken = asked.place(stock), words(asked.spoken())
    found = await intake.store.reading(lambda con: find_labels(con, asked.wanted(), keys))
    now_ms = intake.door.world.now_ms()
    raw = await asyncio.to_thread(lambda: label_sheets(found, stock, spoken, now_ms, start=start))
    headers = {"content-disposition": 'attachment; filename="labels.pdf"'}
    return Response(raw, media_type="application/pdf", headers=headers)


router = Router("/api", route_handlers=[printed], tags=["labels"])
