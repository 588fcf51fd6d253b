"""Devices and their one-time codes, for administrators: list one, change it, make a code, print cards, end a code."""

import asyncio
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from backend.auth import may
from backend.bodies import check_body
from backend.depends import StaffRequest, TheIntake
from backend.devices import put_device
from backend.enrolment import LONGEST_MS, MOST_CARDS, PRINTED_MS, SHOWN_MS, code_text, make_cards, make_code, void_codes
from backend.printing.code_cards import code_cards
from backend.words import Language, words
from backend.writing import Writing
from sync.clock import rfc3339
from sync.payload import Id

__all__ = ["router"]

MINUTE_MS = 60_000
DAY_MS = 86_400_000


class AskedDevice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may record on the device, and between which times (RFC 3339; "" is open)."""

    people: tuple[Id, ...] = ()
    valid_from: str = ""
    valid_until: str = ""


class AskedCode(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code that lives so many minutes."""

    minutes: Annotated[int, Meta(ge=1, le=LONGEST_MS // MINUTE_MS)] = SHOWN_MS // MINUTE_MS


class AskedCards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cards with codes that live so many days, in this language."""

    devices: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_CARDS)]
    days: Annotated[int, Meta(ge=1, le=LONGEST_MS // DAY_MS)] = PRINTED_MS // DAY_MS
    language: Language = "en"


class CodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A new one-time code, told once: the text that a code shows, and when it ends."""

    text: str
    url: str
    expires_at: str


class EndedCodes(msgspec.Struct, frozen=True):
    """How many codes could be used until now."""

    ended: int


@put("/devices/{device:str}", status_code=204, opt={"body": AskedDevice})
async def keep(request: StaffRequest, intake: TheIntake, device: FromPath[str], data: JSONBody[AskedDevice]) -> None:
    """Afterwards these people may record on the device; there is one of this name if there was none."""
    door, by = intake.door, request.auth.person
    given = {"valid_from": data.valid_from, "valid_until": data.valid_until}
    await intake.do(lambda writing: put_device(door, writing, device, data.people, by=by, **given))


@post("/devices/{device:str}/code", opt={"body": AskedCode})
async def make(request: StaffRequest, intake: TheIntake, device: FromPath[str], data: JSONBody[AskedCode]) -> CodeView:
    """A new one-time code for the device; those made before are void."""
    door, by = intake.door, request.auth.person

    def work(writing: Writing) -> CodeView:
        made = make_code(door, writing, device, data.minutes * MINUTE_MS, by=by)
        ends = writing.now_ms + data.minutes * MINUTE_MS
        return CodeView(text=code_text(made), url=made.url, expires_at=rfc3339(ends))

    return await intake.do(work)


@delete("/devices/{device:str}/code", status_code=200)
async def end(intake: TheIntake, device: FromPath[str]) -> EndedCodes:
    """Afterwards no code for the device can be used."""
    return EndedCodes(await intake.do(lambda writing: void_codes(writing, device)))


@post("/enrolment-cards", status_code=200, opt={"body": AskedCards})
async def cards(request: StaffRequest, intake: TheIntake, data: JSONBody[AskedCards]) -> Response[bytes]:
    """Cards with new one-time codes as a PDF; codes made for these devices before are void."""
    door, by = intake.door, request.auth.person
    lives_ms = data.days * DAY_MS
    made = await intake.do(lambda writing: make_cards(door, writing, data.devices, lives_ms, by=by))
    now_ms = door.world.now_ms()
    raw = await asyncio.to_thread(lambda: code_cards(made, words(data.language), door.settings.zone, now_ms))
    headers = {"content-disposition": 'attachment; filename="enrolment-cards.pdf"', "cache-control": "no-store"}
    return Response(raw, media_type="application/pdf", headers=headers)


router = Router(
    "/api",
    route_handlers=[keep, make, end, cards],
    guards=[may("admin")],
    before_request=check_body,
    tags=["devices"],
)
