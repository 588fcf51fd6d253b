"""Where devices push and pull: raw bytes in, exact bytes out."""

import logging
import sqlite3

from litestar import MediaType, Response, Router, get, post
from litestar.params import FromQuery, RawBody
from litestar.response import Stream

from backend.depends import DeviceRequest, TheIntake
from backend.epoch import EPOCH_BYTES, find_out
from backend.pull import Found, look, note_cursor, stream
from backend.returned import take_back
from sync.codec import encode
from sync.problems import BAD_CURSOR, WRONG_MEDIA, Problem
from sync.protocol import MOST_INFLATED, PUSH_TYPE, PushReply, inflate, read_returned

__all__ = ["router"]

log = logging.getLogger(__name__)


@post("/push", status_code=200, request_max_body_size=MOST_INFLATED)
async def push(request: DeviceRequest, body: RawBody, intake: TheIntake) -> Response[bytes]:
    """Store a batch of events, each with its verdict; sending it again is harmless. See PushReply in the answer.

    The body is NDJSON, gzip or plain: a signed header, then one event a line.
    """
    reply: PushReply = await intake.push(body, gzip=_is_packed(request), jwk=request.auth.jwk)
    return Response(encode(reply), media_type=MediaType.JSON)


def _is_packed(request: DeviceRequest) -> bool:
    """True for gzip; WRONG_MEDIA for what is neither that nor plain lines."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != PUSH_TYPE:
        raise Problem(WRONG_MEDIA, f"{kind[:40] or 'nothing'}; a push is {PUSH_TYPE}")
    coding = request.headers.get("content-encoding", "identity")
    if coding not in ("gzip", "identity"):
        raise Problem(WRONG_MEDIA, f"content-encoding {coding[:40]}; a push is gzip or plain")
    return coding == "gzip"


def _unpacked(request: DeviceRequest, body: bytes) -> bytes:
    return inflate(body) if _is_packed(request) else body


@get("/pull")
async def pull(request: DeviceRequest, intake: TheIntake, cursor: FromQuery[str] = "") -> Stream:
    """Everything in this device's scope since the cursor, as lines; the last one is the next cursor.

    Among them is a signed document of what time it is, which the device names in what it records until it restarts.
    """
    kid, door, is_revoked = request.auth.kid, intake.door, bool(request.auth.device.revoked)

    def find(con: sqlite3.Connection) -> Found:
        return look(con, kid, cursor, door.signer, door.world.now_ms(), is_revoked=is_revoked)

    try:
        found = await intake.store.reading(find)
    except Problem as problem:
        if problem.kind is not BAD_CURSOR:
            raise
        named = problem.detail
        await intake.do(lambda writing: find_out(writing, door.world.token(EPOCH_BYTES), named))
        found = await intake.store.reading(find)
    if found.held:
        try:
            await intake.do(lambda writing: note_cursor(writing.con, kid, found.held, writing.now_ms))
        except Problem as problem:  # it says so again at the next pull; this one is not held up by it
            log.warning("how far a device has got was not noted", extra={"kid": kid, "problem": problem.kind.slug})
    return Stream(stream(intake.store, found), media_type=PUSH_TYPE)


@post("/return", status_code=200, request_max_body_size=MOST_INFLATED)
async def give_back(request: DeviceRequest, body: RawBody, intake: TheIntake) -> Response[bytes]:
    """Take back what a device had pulled before this backend was restored: D and E lines as a pull has them.

    What verifies and is not held is filed under its own name. See ReturnReply in the answer.
    """
    rows = read_returned(_unpacked(request, body))
    reply = await intake.do(lambda writing: take_back(intake.door, writing, rows))
    return Response(encode(reply), media_type=MediaType.JSON)


router = Router("/v1/sync", route_handlers=[push, pull, give_back], tags=["devices"])
