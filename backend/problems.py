"""Problems over HTTP: RFC 9457 for every way of saying no, the framework's own included."""

import logging
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from sync.codec import encode
from sync.problems import (
    BROKEN,
    NOT_FOUND,
    NOT_PERMITTED,
    NOT_SIGNED_IN,
    TOO_LARGE,
    WRONG_INPUT,
    WRONG_MEDIA,
    WRONG_METHOD,
    Problem,
    ProblemKind,
    Remedy,
)

log = logging.getLogger(__name__)

PROBLEM_TYPE: Final = "application/problem+json"
WAIT_S: Final = 5
"""What Retry-After says where the same may be sent again soon."""

_BY_STATUS: Final[dict[int, ProblemKind]] = {
    400: WRONG_INPUT,
    401: NOT_SIGNED_IN,
    403: NOT_PERMITTED,
    404: NOT_FOUND,
    405: WRONG_METHOD,
    413: TOO_LARGE,
    415: WRONG_MEDIA,
}


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, with `remedy` (retry, fix or ask), `advice` in words and `where` in the input it was found."""

    type: str
    title: str
    status: int
    remedy: Remedy
    advice: str
    detail: str = ""
    where: str = ""
    changes: tuple[dict[str, str], ...] = ()


class Changed(Problem):
    """A STALE that carries what changed since: who, what, when."""

    def __init__(self, kind: ProblemKind, changes: tuple[dict[str, str], ...]) -> None:
        said = "; ".join(f"{change['actor']} {change['kind']}" for change in changes[:5])
        super().__init__(kind, said)
        self.changes = changes


def details(problem: Problem) -> ProblemDetails:
    """The problem as it goes over the wire."""
    kind = problem.kind
    return ProblemDetails(
        type=f"urn:handover:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        remedy=kind.remedy,
        advice=kind.advice,
        detail=problem.detail,
        where=problem.where,
        changes=problem.changes if isinstance(problem, Changed) else (),
    )


def _respond(problem: Problem) -> Response[bytes]:
    said = details(problem)
    headers: dict[str, str] = {}
    if said.status in (429, 503):
        headers["retry-after"] = str(WAIT_S)
    if said.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(encode(said), status_code=said.status, media_type=PROBLEM_TYPE, headers=headers)


def _refused(_: Request[Any, Any, Any], problem: Problem) -> Response[bytes]:
    return _respond(problem)


def _unhandled(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses; a part of ours that failed inside it arrives here as a 500, and is a crash."""
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        return _crashed(request, error)
    where = ""
    if isinstance(error.extra, list) and error.extra and isinstance(error.extra[0], dict):
        where = str(error.extra[0].get("key", ""))
        return _respond(Problem(kind, str(error.extra[0].get("message", "")), where))
    return _respond(Problem(kind, "" if error.status_code == 404 else error.detail[:300], where))


def _crashed(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("a request failed", exc_info=error, extra={"path": request.scope["path"]})
    return _respond(Problem(BROKEN))


HANDLERS: Final[ExceptionHandlersMap] = {Problem: _refused, HTTPException: _unhandled, Exception: _crashed}
