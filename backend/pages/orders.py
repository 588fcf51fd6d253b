"""Orders, for the office: what waits for a job, what changed, what was taken back; and one with all that was said."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromQuery

from backend.acting import Acting, AskedForOrder, AskedMatch, AskedSettling, Done
from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.intake import Intake
from backend.master import SITE, SiteRow, all_of
from backend.order_history import history_of
from backend.order_imports import count_asides, settled_of
from backend.pages.catalogue import PageWords
from backend.pages.forms import Form, read_form
from backend.pages.shell import frame_of, go, page, said_problem
from backend.rows import instant
from backend.views import (
    OrderFilter,
    OrderView,
    count_orders,
    find_order,
    list_orders,
    order_sources,
    rows_of_jobs,
)
from backend.writing import Writing
from sync.codec import UNREADABLE_JSON
from sync.ids import b64
from sync.problems import WRONG_INPUT, Problem

__all__ = ["router"]

READERS = may("dispatcher", "manager", "depot")
OFFICE = may("dispatcher", "manager")
TYPES: Final = ("delivery", "corrective", "preventive", "inspection", "install", "commission")
MOST_FITTING: Final = 20
"""Jobs shown that an order may belong to."""
ACTION_BYTES: Final = 12


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a page shows it, its window in ms since 1970 and in its site's zone."""

    view: OrderView
    site: str
    zone: str
    from_ms: int | None
    to_ms: int | None


@get("/orders", guards=[READERS])
async def orders(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Orders in scope, 50 at a time; the address says which."""
    asked = request.query_params
    names = [name for name in OrderFilter.__struct_fields__ if name != "exact"]
    wanted = OrderFilter(**{name: asked.get(name, "")[:200] for name in names})
    keys, person, after = request.auth.keys(), request.auth.person, asked.get("after", "")

    def read(con: sqlite3.Connection) -> dict[str, Any]:
        found = list_orders(con, keys, wanted, after)
        sites = dict(all_of(con, SITE))
        return {
            "rows": [_shown(one, sites) for one in found.orders],
            "next": found.next,
            "counts": count_orders(con, keys),
            "aside": count_asides(con, keys, person),
            "sources": order_sources(con),
            "sites": [(id_, row.name or id_) for id_, row in sites.items() if {f"site:{id_}", "site:*"} & keys],
        }

    given = msgspec.structs.asdict(wanted)

    def address(**more: str) -> str:
        return urlencode({name: text for name, text in (given | more).items() if text})

    made = await intake.store.reading(read)
    return page(request, "orders/list.html", given=given, after=after, address=address, **made)


@get("/orders/order", guards=[READERS])
async def order(
    request: StaffRequest, intake: TheIntake, name: FromQuery[str], job: FromQuery[str] = "", done: FromQuery[str] = ""
) -> Response[str]:
    """One order: what it says, where it belongs, and all that its source has said.

    `job` is one more to which it may belong, as somebody thinks.
    """
    return await _one(request, intake, name, job=job, done=done)


async def _one(
    request: StaffRequest,
    intake: TheIntake,
    name: str,
    *,
    job: str = "",
    done: str = "",
    problem: Problem | None = None,
    form: Form | None = None,
) -> Response[str]:
    keys = request.auth.keys()

    def read(con: sqlite3.Connection) -> dict[str, Any]:
        found = find_order(con, keys, name)
        fitting = [one.job for one in found.candidates][:MOST_FITTING]
        names = [found.order.job] if found.order.job else dict.fromkeys([*([job] if job else ()), *fitting])
        return {
            "one": _shown(found, dict(all_of(con, SITE))),
            "jobs": rows_of_jobs(con, keys, names),
            "reasons": {one.job: one.reasons for one in found.candidates},
            "history": history_of(con, name, found.order.job),
            "settled": settled_of(con, name),
        }

    made = await intake.store.reading(read)
    words = frame_of(request).words
    made |= {
        "wanted": job,
        "done": done,
        "types": TYPES,
        "problem": said_problem(words, problem) if problem else None,
        "given": form.values() if form else {},
        "action": new_action(intake),
        "value": _value(words, made["one"].zone),
    }
    return page(request, "orders/order.html", status=problem.kind.status if problem else 200, **made)


def _value(words: PageWords, zone: str) -> Callable[[str, str], str]:
    """How a value of a field is written that was other before."""

    def value(field: str, text: str) -> str:
        if field.startswith("window_"):
            at = instant(text)
            return f"{words.day(at, zone)}, {words.clock(at, zone)}" if at is not None else ""
        return words.of("priority", text) if field == "priority" else text

    return value


def _shown(view: OrderView, sites: dict[str, SiteRow]) -> Shown:
    order_ = view.order.order
    site = sites.get(order_.site, SiteRow())
    return Shown(
        view=view,
        site=site.name or order_.site,
        zone=site.zone,
        from_ms=instant(order_.window_from),
        to_ms=instant(order_.window_to),
    )


def order_address(name: str, **more: str) -> str:
    """Where the page of an order is."""
    return f"/orders/order?{urlencode({'name': name} | more)}"


def new_action(intake: Intake) -> str:
    """The id of an action that a form may do once."""
    return b64(intake.door.world.token(ACTION_BYTES))


# -- what is done with one ----------------------------------------------------
@post("/orders/match", guards=[OFFICE])
async def match(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards the order hangs on the job, as a person says."""

    def work(acting: Acting, writing: Writing, form: Form) -> Done:
        return acting.match(writing, asked_of(form, AskedMatch))

    return await _do(request, intake, "matched", work)


@post("/orders/open-job", guards=[OFFICE])
async def open_job(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards there is a job for the order."""

    def work(acting: Acting, writing: Writing, form: Form) -> Done:
        return acting.open_for(writing, asked_of(form, AskedForOrder))

    return await _do(request, intake, "opened", work)


@post("/orders/settle", guards=[OFFICE])
async def settle(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards it stands what becomes of the job of an order that was taken back."""

    def work(acting: Acting, writing: Writing, form: Form) -> Done:
        return acting.settle(writing, form.text("job"), asked_of(form, AskedSettling))

    return await _do(request, intake, "settled", work)


async def _do(
    request: StaffRequest, intake: TheIntake, done: str, work: Callable[[Acting, Writing, Form], Done]
) -> Response[Any]:
    form = await read_form(request)
    acting = Acting(intake.door, request.auth.person)
    name = form.text("order")
    try:
        await intake.do(lambda writing: work(acting, writing, form))
    except Problem as problem:
        return await _one(request, intake, name, job=form.text("job"), problem=problem, form=form)
    return go(order_address(name, done=done))


_T = TypeVar("_T", bound=msgspec.Struct)


def asked_of(form: Form, shape: type[_T]) -> _T:
    """What an action is sent, from the fields of a form; WRONG_INPUT where they do not fit."""
    plain: dict[str, object] = {name: form.text(name) for name in shape.__struct_fields__ if form.text(name)}
    if "seen" in plain:
        plain["seen"] = int(form.text("seen")) if form.text("seen").isdecimal() else -1
    try:
        return msgspec.convert(plain, shape)
    except UNREADABLE_JSON as error:
        where = str(error).rpartition("$.")[2].partition("`")[0] if "$." in str(error) else ""
        raise Problem(WRONG_INPUT, str(error)[:200], where) from error


router = Router("/", route_handlers=[orders, order, match, open_job, settle], include_in_schema=False)
