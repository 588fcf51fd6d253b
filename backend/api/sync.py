"""Where devices push and pull: raw bytes in, exact bytes out."""

from litestar import MediaType, Response, Router, get, post
from litestar.params import FromQuery, RawBody
from litestar.response import Stream

from backend.depends import DeviceRequest, TheIntake
from backend.pull import look, stream
from sync.codec import encode
from sync.problems import WRONG_MEDIA, Problem
from sync.protocol import MOST_INFLATED, PUSH_TYPE, PushReply

__all__ = ["router"]


@post("/push", status_code=200, request_max_body_size=MOST_INFLATED)
async def push(request: DeviceRequest, body: RawBody, intake: TheIntake) -> Response[bytes]:
    """Store a batch of events, each with its verdict; sending it again is harmless. See PushReply in the answer.

    The body is NDJSON, gzip or plain: a signed header, then one event a line.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != PUSH_TYPE:
        raise Problem(WRONG_MEDIA, f"{kind[:40] or 'nothing'}; a push is {PUSH_TYPE}")
    coding = request.headers.get("content-encoding", "identity")
    if coding not in ("gzip", "identity"):
        raise Problem(WRONG_MEDIA, f"content-encoding {coding[:40]}; a push is gzip or plain")
    reply: PushReply = await intake.push(body, gzip=coding == "gzip", jwk=request.auth.jwk)
    return Response(encode(reply), media_type=MediaType.JSON)


@get("/pull")
async def pull(request: DeviceRequest, intake: TheIntake, cursor: FromQuery[str] = "") -> Stream:
    """Everything in this device's scope since the cursor, as lines; the last one is the next cursor."""
    kid = request.auth.kid
    found = await intake.store.reading(lambda con: look(con, kid, cursor))
    return Stream(stream(intake.store, found), media_type=PUSH_TYPE)


router = Router("/v1/sync", route_handlers=[push, pull], tags=["devices"])
