"""Bringing files of orders: upload, how they are to be read, a look at what would come of it, and taking them in."""

import asyncio
from typing import Any, Final

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.exchange.orders import FIELDS, Orders, orders_of
from backend.intake import Intake
from backend.mapping import TIMES, Mapping
from backend.order_imports import (
    MOST_ROWS,
    Said,
    find_mapping,
    find_run,
    import_orders,
    keep_mapping,
    list_asides,
    list_mappings,
    list_runs,
    zones_of,
)
from backend.pages.forms import Form, read_form
from backend.pages.order_words import saying
from backend.pages.shell import frame_of, go, page, said_problem
from backend.rows import instant
from backend.sheets import read_sheet
from backend.tables import Sheet
from backend.uploads import (
    MOST_BYTES,
    SHOWN,
    Upload,
    drop_upload,
    find_upload,
    keep_upload,
    map_upload,
    preview,
    way_to_read,
)
from backend.writing import Writing
from sync.details import FILE_TOO_LARGE, NO_FILE_CHOSEN, ROWS_TOO_MANY
from sync.ids import b64
from sync.problems import TOO_LARGE, WRONG_INPUT, Problem

__all__ = ["router"]

OFFICE = may("dispatcher", "manager")
WORDS: Final = ("kind", "priority", "cancelled", "site")
"""Fields whose words a mapping may translate, in the order of the form."""
UPLOAD_BYTES: Final = 12
MOST_TEXT: Final = 500
"""Characters of a heading, a constant or a word."""
MOST_PREVIEW_BAD: Final = 50
_FORM_BYTES: Final = 64 * 1024
"""What a form has beside the file in it."""


@get("/orders/imports", guards=[OFFICE])
async def imports(request: StaffRequest, intake: TheIntake, before: FromQuery[int] = 2**62) -> Response[str]:
    """Every file that was taken in, and the form to bring one more."""
    return await _imports(request, intake, before=before)


async def _imports(
    request: StaffRequest, intake: TheIntake, *, before: int = 2**62, problem: Problem | None = None
) -> Response[str]:
    keys, person = request.auth.keys(), request.auth.person
    runs, mappings = await intake.store.reading(lambda con: (list_runs(con, keys, person, before), list_mappings(con)))
    shown = said_problem(frame_of(request).words, problem) if problem else None
    status = problem.kind.status if problem else 200
    return page(request, "orders/imports.html", status=status, runs=runs, mappings=mappings, problem=shown)


@post("/orders/imports", guards=[OFFICE], request_max_body_size=MOST_BYTES + _FORM_BYTES)
async def upload(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards the file is here, and how it is read is asked, or shown where its headings say so already."""
    form = await read_form(request)
    try:
        found = await _brought(intake, form)
        await intake.do(lambda writing: keep_upload(writing, found, request.auth.person))
    except Problem as problem:
        return await _imports(request, intake, problem=problem)
    return go(f"/orders/uploads/{found.id}{'/mapping' if found.mapping else ''}")


async def _brought(intake: Intake, form: Form) -> Upload:
    """The file that the form brought, and how it is best read. WRONG_INPUT, TOO_LARGE, BAD_TABLE."""
    file = form.file("file")
    if file is None:
        raise Problem(WRONG_INPUT, NO_FILE_CHOSEN.of(), "file")
    raw = await file.read()
    if len(raw) > MOST_BYTES:
        raise Problem(TOO_LARGE, FILE_TOO_LARGE.of(megabytes=MOST_BYTES // 1024 // 1024), "file")
    sheet = await asyncio.to_thread(read_sheet, raw)
    name, mapping_ = way_to_read(sheet, file.filename, await intake.store.reading(list_mappings))
    id_ = b64(intake.door.world.token(UPLOAD_BYTES))
    return Upload(id=id_, file=file.filename, raw=raw, name=name, mapping=mapping_)


# -- how it is read -----------------------------------------------------------
@get("/orders/uploads/{upload:str}/mapping", guards=[OFFICE])
async def mapping(
    request: StaffRequest, intake: TheIntake, upload: FromPath[str], use: FromQuery[str] = ""
) -> Response[str]:
    """The form that says which column is which field; `use` fills it from a saved mapping."""
    found = await _upload(request, intake, upload)
    saved = await intake.store.reading(lambda con: find_mapping(con, use)) if use else found.mapping
    shown = saved or Mapping()
    words = {field: _as_lines(shown.words.get(field, {})) for field in WORDS}
    return await _mapping(request, intake, found, _Shown(shown, words, use or found.name))


async def _mapping(
    request: StaffRequest, intake: TheIntake, found: Upload, shown: "_Shown", problem: Problem | None = None
) -> Response[str]:
    sheet = await asyncio.to_thread(read_sheet, found.raw)
    names = [one.name for one in await intake.store.reading(list_mappings)]
    return page(
        request,
        "orders/mapping.html",
        status=problem.kind.status if problem else 200,
        upload=found,
        mapping=shown.mapping,
        name=shown.name or shown.mapping.constants.get("source", ""),
        names=names,
        fields=FIELDS,
        times=TIMES,
        headings=[heading for heading in sheet.headings if heading],
        samples=_samples(sheet),
        words=shown.words,
        problem=said_problem(frame_of(request).words, problem) if problem else None,
    )


class _Shown(msgspec.Struct, frozen=True):
    """What stands in the form: a mapping, its words as they are typed, and its name."""

    mapping: Mapping
    words: dict[str, str]
    name: str


def _samples(sheet: Sheet) -> dict[str, str]:
    """What stands first in each column."""
    found: dict[str, str] = {}
    for row in sheet.rows[:SHOWN]:
        for heading, text in row.cells.items():
            found.setdefault(heading, text[:40])
    return found


def _as_lines(words: dict[str, str]) -> str:
    return "\n".join(f"{word} = {meant}" for word, meant in words.items())


@post("/orders/uploads/{upload:str}/mapping", guards=[OFFICE])
async def keep(request: StaffRequest, intake: TheIntake, upload: FromPath[str]) -> Response[Any]:
    """Afterwards the mapping is kept under its name, and the file is read as it says."""
    form = await read_form(request)
    found, person, name = await _upload(request, intake, upload), request.auth.person, form.text("name")
    given, texts = _given(form), {field: form.text(f"words-{field}") for field in WORDS}
    try:
        words = {field: said for field in WORDS if (said := _words(field, texts[field]))}
        whole = msgspec.structs.replace(given, words=words)

        def work(writing: Writing) -> None:
            keep_mapping(writing, name, whole, person)
            map_upload(writing, upload, person, name, whole)

        await intake.do(work)
    except Problem as problem:
        return await _mapping(request, intake, found, _Shown(given, texts, name), problem)
    return go(f"/orders/uploads/{upload}")


def _given(form: Form) -> Mapping:
    """The mapping that the form says, but for its words."""
    texts = {
        kind: {field: text[:MOST_TEXT] for field in FIELDS if (text := form.text(f"{kind}-{field}"))}
        for kind in ("column", "always", "hour")
    }
    return Mapping(
        columns=texts["column"],
        hours={field: text for field, text in texts["hour"].items() if field in TIMES},
        constants=texts["always"],
        dates=_one_of(form.text("dates"), ("iso", "dmy", "mdy")),
        decimal_comma=form.ticked("decimal_comma"),
        weight_in=_one_of(form.text("weight_in"), ("g", "kg")),
        volume_in=_one_of(form.text("volume_in"), ("ml", "l")),
    )


def _one_of(text: str, values: tuple[Any, ...]) -> Any:  # noqa: ANN401 - one of the values
    return text if text in values else values[0]


def _words(field: str, text: str) -> dict[str, str]:
    found = {}
    for line in filter(None, (one.strip() for one in text.split("\n"))):
        word, sign, meant = line.rpartition("=")
        if not sign or not word.strip():
            raise Problem(WRONG_INPUT, line[:100], f"words-{field}")
        found[word.strip()[:MOST_TEXT]] = meant.strip()[:MOST_TEXT]
    return found


# -- looked at, and taken in --------------------------------------------------
@get("/orders/uploads/{upload:str}", guards=[OFFICE])
async def look(request: StaffRequest, intake: TheIntake, upload: FromPath[str]) -> Response[str]:
    """What taking the file in would come to."""
    return await _look(request, intake, upload)


async def _look(request: StaffRequest, intake: TheIntake, upload: str) -> Response[str]:
    found = await _upload(request, intake, upload)
    read, problem = await _read(request, intake, found)
    keys, words = request.auth.keys(), frame_of(request).words
    coming, zones = await intake.store.reading(lambda con: (preview(con, read), zones_of(con, keys)))

    def value(site: str, text: str) -> str:
        at, zone = instant(text), zones.get(site, "UTC")
        return f"{words.day(at, zone)}, {words.clock(at, zone)}" if at is not None else ""

    return page(
        request,
        "orders/preview.html",
        status=problem.kind.status if problem else 200,
        upload=found,
        read=read,
        coming=coming,
        orders=read.orders[:SHOWN],
        bad=read.quarantined[:MOST_PREVIEW_BAD],
        value=value,
        say=saying(words),
        problem=said_problem(words, problem) if problem else None,
    )


@post("/orders/uploads/{upload:str}", guards=[OFFICE])
async def take(request: StaffRequest, intake: TheIntake, upload: FromPath[str]) -> Response[Any]:
    """Afterwards all that can be used is taken in, and the rest waits to be mended."""
    found, person, keys = await _upload(request, intake, upload), request.auth.person, request.auth.keys()
    read, problem = await _read(request, intake, found)
    if problem is not None:
        return await _look(request, intake, upload)
    said = Said(by=person, via="page", file=found.file, mapping=found.name)

    def work(writing: Writing) -> int:
        drop_upload(writing, upload, person)
        return import_orders(intake.door, writing, read, said, keys).run

    run = await intake.do(work)
    return go(f"/orders/imports/{run}")


@post("/orders/uploads/{upload:str}/drop", guards=[OFFICE])
async def drop(request: StaffRequest, intake: TheIntake, upload: FromPath[str]) -> Response[Any]:
    """Afterwards nothing of the file is kept."""
    person = request.auth.person
    await intake.do(lambda writing: drop_upload(writing, upload, person))
    return go("/orders/imports")


@get("/orders/imports/{run:int}", guards=[OFFICE])
async def run(request: StaffRequest, intake: TheIntake, run: FromPath[int], after: FromQuery[int] = 0) -> Response[str]:
    """One file that was taken in: what came of it, and the rows that were put aside."""
    keys, person = request.auth.keys(), request.auth.person
    found, rows = await intake.store.reading(
        lambda con: (
            find_run(con, keys, person, run),
            list_asides(con, keys, person, run=run, waiting=False, after=after),
        )
    )
    return page(request, "orders/run.html", run=found, rows=rows, say=saying(frame_of(request).words))


async def _upload(request: StaffRequest, intake: TheIntake, upload: str) -> Upload:
    person = request.auth.person
    return await intake.store.reading(lambda con: find_upload(con, upload, person))


async def _read(request: StaffRequest, intake: TheIntake, found: Upload) -> tuple[Orders, Problem | None]:
    """The orders of the file; with the problem where it cannot be taken in as a whole."""
    keys = request.auth.keys()
    zones = await intake.store.reading(lambda con: zones_of(con, keys))
    nothing = Orders(orders=(), taken_back=(), quarantined=(), rows=0)
    try:
        sheet = await asyncio.to_thread(read_sheet, found.raw)
        read = await asyncio.to_thread(orders_of, sheet, zones, found.mapping)
    except Problem as problem:
        return nothing, problem
    if read.rows > MOST_ROWS:
        return nothing, Problem(TOO_LARGE, ROWS_TOO_MANY.of(rows=read.rows, most=MOST_ROWS))
    return read, None


router = Router(
    "/",
    route_handlers=[imports, upload, mapping, keep, look, take, drop, run],
    include_in_schema=False,
)
