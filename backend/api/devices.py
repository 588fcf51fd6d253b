"""Where a device enrols and opens sessions."""

from litestar import MediaType, Request, Response, Router, post
from litestar.datastructures import State
from litestar.params import RawBody

from backend.depends import TheAttempts, TheIntake, ThePeople, TheSessions
from backend.enrolment import enrol
from backend.meeting import directory_for, learn, look_at
from sync.codec import decode, encode
from sync.problems import Problem
from sync.protocol import MOST_INFLATED, ChallengeReply, EnrolRequest, SessionReply, SessionRequest

__all__ = ["router"]

SMALL = 128 * 1024
"""A genesis has at most 64 KiB; escaped as JSON text within JSON it stays below this."""


@post("/enrol", status_code=200, request_max_body_size=SMALL)
async def enrol_device(
    request: Request[None, None, State], body: RawBody, intake: TheIntake, attempts: TheAttempts
) -> Response[bytes]:
    """Bind the key to the device that the one-time code names. See EnrolRequest and EnrolReply."""
    caller = request.client.host if request.client else ""
    attempts.check(caller)
    asked = decode(body, EnrolRequest)
    try:
        reply = await intake.do(lambda writing: enrol(intake.door, writing, asked))
    except Problem:
        attempts.failed(caller)
        raise
    return Response(encode(reply), media_type=MediaType.JSON)


@post("/session/challenge", status_code=200, request_max_body_size=1024)
async def challenge(sessions: TheSessions) -> Response[bytes]:
    """A text to sign, once, within a minute."""
    return Response(encode(ChallengeReply(challenge=sessions.challenge())), media_type=MediaType.JSON)


@post("/session", status_code=200, request_max_body_size=MOST_INFLATED)
async def open_session(
    request: Request[None, None, State],
    body: RawBody,
    intake: TheIntake,
    sessions: TheSessions,
    people: ThePeople,
    attempts: TheAttempts,
) -> Response[bytes]:
    """A token for the device whose key signed the challenge. See SessionRequest and SessionReply."""
    caller = request.client.host if request.client else ""
    attempts.check(caller)
    asked = decode(body, SessionRequest)
    _, directory = await people.now()
    door = intake.door
    try:
        known = await intake.store.reading(lambda con: directory_for(con, door.signer, asked, directory))
        token = sessions.open(asked.challenge, asked.jws, known)
    except Problem:
        attempts.failed(caller)
        raise
    stands = await intake.store.reading(lambda con: look_at(con, door.signer, asked))
    if stands.lost or known is not directory:
        stands = await intake.do(lambda writing: learn(door, writing, asked, stands))
    reply = SessionReply(token=token, expires_s=sessions.session_s, epoch=stands.epoch, longer=stands.longer)
    return Response(encode(reply), media_type=MediaType.JSON)


router = Router("/v1", route_handlers=[enrol_device, challenge, open_session], tags=["devices"], opt={"open": True})
