"""Devices: who records on what, when it was last heard of, one-time codes on screen and paper, revoking.

For administrators; managers read, revoke, and let events count that were put aside.
"""

import asyncio
import sqlite3
from typing import Any, Final, Literal, get_args
from urllib.parse import urlencode, urlsplit

from litestar import Response, Router, get, post
from litestar.params import FromQuery

from backend.acting import Acting, AskedRevocation
from backend.auth import may
from backend.depends import StaffRequest, TheIntake
from backend.devices import MOST, STATES, DeviceList, find_device, list_devices, look_at_device, ms_of, put_device
from backend.enrolment import (
    LONGEST_MS,
    PRINTED_MS,
    SHOWN_MS,
    code_name,
    code_text,
    fate_of,
    make_cards,
    make_code,
    void_codes,
)
from backend.master import DEVICE, PERSON, all_of
from backend.pages.forms import Form, local_time, read_form, zoned_time
from backend.pages.misfits import asked_as
from backend.pages.shell import frame_of, go, page, said_problem
from backend.printing.code_cards import SPACE, code_cards
from backend.printing.symbols import code_matrix, svg_path
from backend.promoting import MAY_PROMOTE
from backend.revoking import MAY_REVOKE
from backend.words import LANGUAGES, Language, words
from sync.details import NO_CHOICE, NOT_BETWEEN
from sync.ids import b64
from sync.problems import TAKEN, WRONG_INPUT, Problem
from sync.revocation import Reason

__all__ = ["router"]

ADMINS = may("admin")
KEEPERS = may(*MAY_REVOKE)
DAY_MS: Final = 86_400_000
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
Done = Literal["", "added", "changed", "ended", "revoked"]
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ACTION_BYTES: Final = 16


def _at(device: str, what: str = "", **more: str) -> str:
    """The address of a device's page; its id may hold anything, a slash too."""
    return f"/set-up/device{what}?{urlencode({'id': device} | more)}"


def _names(con: sqlite3.Connection) -> dict[str, str]:
    return {id_: row.name or id_ for id_, row in all_of(con, PERSON)}


# -- looking ----------------------------------------------------------------------
@get("/set-up/devices", guards=[KEEPERS])
async def devices(
    request: StaffRequest,
    intake: TheIntake,
    in_state: FromQuery[str] = "",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Response[str]:
    """Every device, a page at a time: its people, how it stands, when it was heard of and what it said then."""
    wanted = in_state if in_state in STATES else ""
    text = q.strip()[:100]
    now_ms = intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> tuple[DeviceList, dict[str, str]]:
        return list_devices(con, now_ms, state=wanted, text=text, after=after), _names(con)

    found, names = await intake.store.reading(read)
    more = f"/set-up/devices?{urlencode({'in_state': wanted, 'q': text, 'after': found.next})}" if found.next else ""
    content: dict[str, Any] = {
        "devices": found.devices,
        "more": more,
        "names": names,
        "state": wanted,
        "q": text,
        "states": STATES,
    }
    may_promote = bool(request.auth.roles.intersection(MAY_PROMOTE))
    return page(request, "devices/list.html", **content, may_promote=may_promote)


@get("/set-up/device", guards=[KEEPERS])
async def device(request: StaffRequest, intake: TheIntake, done: FromQuery[str] = "") -> Response[str]:
    """One device with its keys and its open code."""
    id_ = _wanted(request)
    now_ms = intake.door.world.now_ms()
    found, names = await intake.store.reading(lambda con: (look_at_device(con, id_, now_ms), _names(con)))
    is_admin = "admin" in request.auth.roles
    shown = done if done in get_args(Done) else ""
    valid = {"from": ms_of(found.device.valid_from), "until": ms_of(found.device.valid_until)}
    return page(request, "devices/one.html", found=found, names=names, valid=valid, done=shown, is_admin=is_admin)


def _wanted(request: StaffRequest) -> str:
    """The device that the address names."""
    return str(request.query_params.get("id", ""))


# -- putting in -------------------------------------------------------------------
@get("/set-up/new-device", guards=[ADMINS])
async def new(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of a new one."""
    return await _form(request, intake, "", {}, (), None)


@post("/set-up/new-device", guards=[ADMINS])
async def add(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards there is a device more, for which a code can be made."""
    form = await read_form(request)
    try:
        await _keep(request, intake, form.text("id"), form, is_new=True)
    except Problem as problem:
        return await _form(request, intake, "", form.values(), form.all("people"), problem)
    return go(_at(form.text("id"), done="added"))


@get("/set-up/device/edit", guards=[ADMINS])
async def edit(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form of one there is."""
    id_ = _wanted(request)
    now_ms, zone = intake.door.world.now_ms(), intake.door.settings.zone
    found = await intake.store.reading(lambda con: find_device(con, id_, now_ms))
    times = {name: local_time(getattr(found, name), zone) for name in ("valid_from", "valid_until")}
    return await _form(request, intake, id_, {"id": id_} | times, found.people, None)


@post("/set-up/device/edit", guards=[ADMINS])
async def change(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards these people may record on it, and every device is told so."""
    id_ = _wanted(request)
    form = await read_form(request)
    await intake.store.reading(lambda con: find_device(con, id_, intake.door.world.now_ms()))
    try:
        await _keep(request, intake, id_, form, is_new=False)
    except Problem as problem:
        return await _form(request, intake, id_, {"id": id_} | form.values(), form.all("people"), problem)
    return go(_at(id_, done="changed"))


async def _keep(request: StaffRequest, intake: TheIntake, id_: str, form: Form, *, is_new: bool) -> None:
    door, by = intake.door, request.auth.person
    begins, ends = (zoned_time(form.text(name), door.settings.zone, name) for name in ("valid_from", "valid_until"))
    people = form.all("people")

    def work(writing: Any) -> None:  # noqa: ANN401 - the door's transaction
        if is_new and any(id_ == one for one, _ in all_of(writing.con, DEVICE)):
            raise Problem(TAKEN, id_, "id")
        put_device(door, writing, id_, people, valid_from=begins, valid_until=ends, by=by)

    await intake.do(work)


async def _form(
    request: StaffRequest,
    intake: TheIntake,
    id_: str,
    given: dict[str, str],
    people: tuple[str, ...],
    problem: Problem | None,
) -> Response[str]:
    names = await intake.store.reading(_names)
    given = {"id": "", "valid_from": "", "valid_until": ""} | given
    said = said_problem(frame_of(request).words, problem) if problem else None
    options = sorted(names.items(), key=lambda pair: pair[1].casefold())
    content = {"id": id_, "given": given, "chosen": people, "options": options, "problem": said}
    return page(request, "devices/form.html", status=problem.kind.status if problem else 200, **content)


# -- codes ------------------------------------------------------------------------
@post("/set-up/device/code", guards=[ADMINS])
async def show_code(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """A new code on the screen, for ten minutes; it is kept nowhere, so that only this page ever shows it."""
    id_, door, by = _wanted(request), intake.door, request.auth.person
    made = await intake.do(lambda writing: make_code(door, writing, id_, SHOWN_MS, by=by))
    now_ms = door.world.now_ms()
    facts = await intake.store.reading(lambda con: find_device(con, id_, now_ms))
    text = code_text(made)
    matrix = code_matrix(text)
    content: dict[str, Any] = {
        "device": facts,
        "text": text,
        "typed": text.replace(" ", SPACE),
        "size": len(matrix),
        "path": svg_path(matrix),
        "ends_ms": facts.code.expires_ms if facts.code else now_ms,
        "fate": "open",
        "asks": _at(id_, "/code", name=code_name(made)),
        "url": made.url,
        "is_local": urlsplit(made.url).hostname in _LOOPBACK,
    }
    return page(request, "devices/code.html", **content)


@get("/set-up/device/code", guards=[ADMINS])
async def code(request: StaffRequest, intake: TheIntake, name: FromQuery[str] = "") -> Response[str]:
    """What became of the code that is shown, as a part of its page."""
    id_ = _wanted(request)
    now_ms = intake.door.world.now_ms()
    fate = await intake.store.reading(lambda con: fate_of(con, id_, name, now_ms))
    return page(request, "devices/fate.html", fate=fate, id=id_, asks=_at(id_, "/code", name=name))


@post("/set-up/device/end-code", guards=[ADMINS])
async def end_code(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards no code for this device can be used."""
    id_ = _wanted(request)
    await intake.do(lambda writing: void_codes(writing, id_))
    return go(_at(id_, done="ended"))


@get("/set-up/device-cards", guards=[ADMINS])
async def cards(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form to print codes for many devices at once; those that wait for their first are ticked."""
    return await _cards(request, intake, None, None)


@post("/set-up/device-cards", guards=[ADMINS])
async def print_cards(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """New codes for the devices that are ticked, as a PDF; what was made for them before is void."""
    form = await read_form(request)
    door, by = intake.door, request.auth.person
    try:
        lives_ms, language = _days(form.text("days")) * DAY_MS, _language(form.text("language"))
        made = await intake.do(lambda writing: make_cards(door, writing, form.all("devices"), lives_ms, by=by))
    except Problem as problem:
        return await _cards(request, intake, form, problem)
    zone, now_ms = door.settings.zone, door.world.now_ms()
    raw = await asyncio.to_thread(lambda: code_cards(made, words(language), zone, now_ms))
    headers = {"content-disposition": 'inline; filename="enrolment-cards.pdf"', "cache-control": "no-store"}
    return Response(raw, status_code=200, media_type="application/pdf", headers=headers)


async def _cards(request: StaffRequest, intake: TheIntake, form: Form | None, problem: Problem | None) -> Response[str]:
    now_ms = intake.door.world.now_ms()
    found = (await intake.store.reading(lambda con: list_devices(con, now_ms, most=MOST))).devices
    ticked = form.all("devices") if form else tuple(one.id for one in found if one.state == "new")
    spoken = frame_of(request).words
    content = {
        "devices": found,
        "ticked": ticked,
        "days": form.text("days") if form else str(PRINTED_MS // DAY_MS),
        "most_days": LONGEST_MS // DAY_MS,
        "language": form.text("language") if form else spoken.language,
        "is_local": urlsplit(intake.door.settings.url).hostname in _LOOPBACK,
        "url": intake.door.settings.url,
        "problem": said_problem(spoken, problem) if problem else None,
    }
    return page(request, "devices/cards.html", status=problem.kind.status if problem else 200, **content)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= LONGEST_MS // DAY_MS):
        raise Problem(WRONG_INPUT, NOT_BETWEEN.of(least=1, most=LONGEST_MS // DAY_MS), "days")
    return int(text)


def _language(text: str) -> Language:
    for language in LANGUAGES:
        if text == language:
            return language
    raise Problem(WRONG_INPUT, NO_CHOICE.of(text=text[:20]), "language")


# -- revoking ---------------------------------------------------------------------
@get("/set-up/device/revoke", guards=[KEEPERS])
async def ask_revoke(request: StaffRequest, intake: TheIntake) -> Response[str]:
    """The form: for which reason, and from which event on what it recorded is suspect."""
    action = b64(intake.door.world.token(_ACTION_BYTES))
    return await _revocation(request, intake, {"action": action}, None)


@post("/set-up/device/revoke", guards=[KEEPERS])
async def revoke(request: StaffRequest, intake: TheIntake) -> Response[Any]:
    """Afterwards no key of the device may record; what it holds it may still hand over."""
    id_ = _wanted(request)
    form = await read_form(request)
    acting = Acting(intake.door, request.auth.person)
    try:
        asked = _asked(form)
        await intake.do(lambda writing: acting.revoke(writing, id_, asked))
    except Problem as problem:
        return await _revocation(request, intake, form.values(), problem)
    return go(_at(id_, done="revoked"))


def _asked(form: Form) -> AskedRevocation:
    reason = next((one for one in REASONS if one == form.text("reason")), None)
    log, _, seq = form.text("suspect").partition(":")
    if reason is None or (log and not (seq.isascii() and seq.isdigit() and len(seq) < 16)):
        where = "reason" if reason is None else "suspect"
        raise Problem(WRONG_INPUT, NO_CHOICE.of(text=form.text(where)[:60]), where)
    asked = {"action": form.text("action"), "reason": reason, "suspect_log": log}
    return asked_as(asked | ({"suspect_from": int(seq)} if log else {}), AskedRevocation)


async def _revocation(
    request: StaffRequest, intake: TheIntake, given: dict[str, str], problem: Problem | None
) -> Response[str]:
    id_ = _wanted(request)
    now_ms = intake.door.world.now_ms()
    found = await intake.store.reading(lambda con: look_at_device(con, id_, now_ms))
    said = said_problem(frame_of(request).words, problem) if problem else None
    given = {"action": "", "reason": "", "suspect": ""} | given
    content = {"found": found, "given": given, "reasons": REASONS, "problem": said}
    return page(request, "devices/revoke.html", status=problem.kind.status if problem else 200, **content)


router = Router(
    "/",
    route_handlers=[
        devices, device, new, add, edit, change, show_code, code, end_code, cards, print_cards, ask_revoke, revoke,
    ],
    include_in_schema=False,
)  # fmt: skip
