"""Devices and what was put aside, for people of the office: revoke a device, promote an event."""

import sqlite3

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from backend.acting import Acting, AskedPromotion, AskedRevocation, Done
from backend.auth import may
from backend.bodies import check_body
from backend.depends import StaffRequest, TheIntake
from backend.devices import MOST, Heard, OpenCode, State, list_devices
from backend.keys import Revoked, enrolled
from backend.promoting import MAY_PROMOTE, Aside, put_aside
from backend.revoking import MAY_REVOKE

__all__ = ["router"]

KEEPERS = may(*MAY_REVOKE)
MANAGERS = may(*MAY_PROMOTE)


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a device; `revoked` says why it may record no more, "" while it may."""

    kid: str
    revoked: Revoked


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A device, who may record on it, every key it ever had, the oldest first, and what it said when last heard of."""

    device: str
    people: tuple[str, ...]
    valid_from: str
    valid_until: str
    state: State
    keys: tuple[KeyView, ...]
    heard: Heard | None
    code: OpenCode | None


@get("/devices", guards=[KEEPERS])
async def devices(intake: TheIntake) -> tuple[DeviceView, ...]:
    """Every device, by id."""
    now_ms = intake.door.world.now_ms()

    def read(con: sqlite3.Connection) -> tuple[DeviceView, ...]:
        keys = enrolled(con)
        return tuple(
            DeviceView(
                device=one.id,
                people=one.people,
                valid_from=one.valid_from,
                valid_until=one.valid_until,
                state=one.state,
                keys=tuple(KeyView(kid=key.kid, revoked=key.revoked) for key in keys if key.device == one.id),
                heard=one.heard,
                code=one.code,
            )
            for one in list_devices(con, now_ms, most=MOST).devices
        )

    return await intake.store.reading(read)


@post("/devices/{device:str}/revoke", guards=[KEEPERS], opt={"body": AskedRevocation})
async def revoke(
    request: StaffRequest, intake: TheIntake, device: FromPath[str], data: JSONBody[AskedRevocation]
) -> Done:
    """End a device's right to record; what it holds it may still hand over."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.revoke(writing, device, data))


@get("/aside", guards=[MANAGERS])
async def aside(request: StaffRequest, intake: TheIntake, device: FromQuery[str] = "") -> tuple[Aside, ...]:
    """What came from revoked devices and is put aside, of all or of one, in the caller's scope."""
    keys = request.auth.keys()
    return await intake.store.reading(lambda con: put_aside(con, device, keys))


@post("/events/{event:str}/promote", guards=[MANAGERS], opt={"body": AskedPromotion})
async def promote(
    request: StaffRequest, intake: TheIntake, event: FromPath[str], data: JSONBody[AskedPromotion]
) -> Done:
    """Let one event count that was put aside; the rest stays where it is."""
    acting = Acting(intake.door, request.auth.person)
    return await intake.do(lambda writing: acting.promote(writing, event, data))


router = Router("/api", route_handlers=[devices, revoke, aside, promote], before_request=check_body, tags=["devices"])
