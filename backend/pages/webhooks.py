"""Webhooks, for administrators: who is told of what, what was not taken, and sending it again."""

from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, FromQuery

from backend.auth import may
from backend.depends import StaffRequest, TheIntake, TheSender
from backend.master import EVERY, SITE, all_of
from backend.pages.forms import Form, read_form
from backend.pages.misfits import misfit
from backend.pages.shell import frame_of, go, page, said_problem
from backend.webhooks import endpoints, outbox
from backend.webhooks.endpoints import GROUPS, AskedHook, Hook
from backend.webhooks.outbox import Sent
from sync.codec import UNREADABLE_JSON
from sync.problems import WRONG_INPUT, Problem

__all__ = ["router"]

ADMINS = may("admin")


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the form."""

    label: str = ""
    url: str = ""
    kinds: tuple[str, ...] = ()
    sites: tuple[str, ...] = (EVERY,)


@get("/set-up/webhooks")
async def hooks(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """Every webhook and how it fares."""
    found = await intake.store.reading(endpoints.all_hooks)
    return page(request, "webhooks/list.html", hooks=found)


@get("/set-up/webhooks/new")
async def new(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of a new one."""
    return await _form(request, intake, None, _Given(), None)


@post("/set-up/webhooks")
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards another system is told of what comes to count from now on."""
    given = _given(await read_form(request))
    try:
        asked = _asked(given)
        by, world = request.auth.person, intake.door.world
        id_ = await intake.do(lambda writing: endpoints.add(writing.con, world, asked, by=by))
    except Problem as problem:
        return await _form(request, intake, None, given, problem)
    return go(f"/set-up/webhooks/{id_}?done=added")


@get("/set-up/webhooks/{hook:str}")
async def one(
    request: StaffRequest, intake: TheIntake, hook: FromPath[str], done: FromQuery[str] = ""
) -> Response[str]:
    """One webhook: its secret, what waits, what was not taken, what was sent."""
    return await _one(request, intake, hook, done=done)


@get("/set-up/webhooks/{hook:str}/edit")
async def edit(request: StaffRequest, intake: TheIntake, hook: FromPath[str]) -> Response[str]:
    """The form of one there is."""
    found = await intake.store.reading(lambda con: endpoints.get(con, hook))
    given = _Given(label=found.label, url=found.url, kinds=found.kinds, sites=found.sites)
    return await _form(request, intake, found, given, None)


@post("/set-up/webhooks/{hook:str}/edit")
async def change(request: StaffRequest, intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards it is told so, there."""
    found = await intake.store.reading(lambda con: endpoints.get(con, hook))
    given = _given(await read_form(request))
    try:
        asked = _asked(given)
        await intake.do(lambda writing: endpoints.change(writing.con, hook, asked))
    except Problem as problem:
        return await _form(request, intake, found, given, problem)
    return go(f"/set-up/webhooks/{hook}?done=changed")


@post("/set-up/webhooks/{hook:str}/pause")
async def pause(intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards nothing is sent; what comes waits."""
    await intake.do(lambda writing: endpoints.set_state(writing.con, hook, "paused"))
    return go(f"/set-up/webhooks/{hook}?done=paused")


@post("/set-up/webhooks/{hook:str}/resume")
async def resume(intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards what waits is sent, at once."""
    await intake.do(lambda writing: endpoints.set_state(writing.con, hook, "active"))
    return go(f"/set-up/webhooks/{hook}?done=resumed")


@post("/set-up/webhooks/{hook:str}/rotate")
async def rotate(intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards a new secret signs, beside the old one for a day."""
    world = intake.door.world
    await intake.do(lambda writing: endpoints.rotate(writing.con, world, hook))
    return go(f"/set-up/webhooks/{hook}?done=rotated")


@post("/set-up/webhooks/{hook:str}/remove")
async def remove(intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards there is no such webhook."""
    await intake.do(lambda writing: endpoints.remove(writing.con, hook))
    return go("/set-up/webhooks")


@post("/set-up/webhooks/{hook:str}/test")
async def test(request: StaffRequest, intake: TheIntake, sender: TheSender, hook: FromPath[str]) -> Response[str]:
    """What the receiver answers to a test message, now."""
    answer = await sender.probe(hook)
    return await _one(request, intake, hook, answer=answer)


@post("/set-up/webhooks/{hook:str}/again")
async def again(request: StaffRequest, intake: TheIntake, hook: FromPath[str]) -> Response[Any]:
    """Afterwards one dead letter, or each, waits to be sent again."""
    position = (await read_form(request)).text("position")
    if position and not position.isdecimal():
        raise Problem(WRONG_INPUT, position[:40], "position")
    wanted = int(position) if position else None

    def work(now_ms: int, con: Any) -> int:  # noqa: ANN401 - sqlite's connection
        endpoints.get(con, hook)
        return outbox.send_again(con, hook, wanted, now_ms)

    await intake.do(lambda writing: work(writing.now_ms, writing.con))
    return go(f"/set-up/webhooks/{hook}?done=again")


async def _one(
    request: StaffRequest,
    intake: TheIntake,
    hook: str,
    *,
    done: str = "",
    answer: Any = None,  # noqa: ANN401
) -> Response[str]:
    now_ms = intake.door.world.now_ms()

    def read(con: Any) -> tuple[Hook, tuple[str, ...], dict[str, tuple[Sent, ...]]]:  # noqa: ANN401
        found = endpoints.get(con, hook)
        lists = {state: outbox.messages(con, hook, state) for state in ("dead", "waiting", "sent")}
        return found, endpoints.secrets(con, hook, now_ms), lists

    found, secrets, lists = await intake.store.reading(read)
    content = {"hook": found, "secret": secrets[0], "messages": lists, "done": done, "answer": answer}
    return page(request, "webhooks/one.html", **content)


def _given(form: Form) -> _Given:
    return _Given(label=form.text("label"), url=form.text("url"), kinds=form.all("kinds"), sites=form.all("sites"))


def _asked(given: _Given) -> AskedHook:
    try:
        return msgspec.convert(msgspec.structs.asdict(given), AskedHook)
    except UNREADABLE_JSON as error:
        raise misfit(error) from error


async def _form(
    request: StaffRequest, intake: TheIntake, hook: Hook | None, given: _Given, problem: Problem | None
) -> Response[str]:
    sites = await intake.store.reading(lambda con: all_of(con, SITE))
    words = frame_of(request).words
    content = {
        "hook": hook,
        "given": given,
        "groups": [(group, words.of("webhooks.group", group)) for group in GROUPS],
        "sites": [(EVERY, words("webhooks.every_site")), *((id_, row.name or id_) for id_, row in sites)],
        "problem": said_problem(words, problem) if problem else None,
    }
    return page(request, "webhooks/form.html", status=problem.kind.status if problem else 200, **content)


router = Router(
    "/",
    route_handlers=[hooks, new, add, one, edit, change, pause, resume, rotate, remove, test, again],
    guards=[ADMINS],
    include_in_schema=False,
)
