"""Problems over HTTP: RFC 9457 for every way of saying no, the framework's own included."""

import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from backend.addresses import PROGRAMS
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


def respond(problem: Problem) -> Response[bytes]:
    """The problem as a program reads it."""
    said = details(problem)
    headers: dict[str, str] = {}
    if said.status in (429, 503):
        headers["retry-after"] = str(WAIT_S)
    if said.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(encode(said), status_code=said.status, media_type=PROBLEM_TYPE, headers=headers)


def problem_of(request: Request[Any, Any, Any], error: Exception) -> Problem:
    """The problem that a failed request comes to. What is no saying no of ours or the framework's is a crash.

    A part of ours that failed inside the framework arrives as its 500, and is a crash as well.
    """
    if isinstance(error, Problem):
        return error
    kind = _BY_STATUS.get(error.status_code) if isinstance(error, HTTPException) else None
    if kind is None or not isinstance(error, HTTPException):
        log.error("a request failed", exc_info=error, extra={"path": request.scope["path"]})
        return Problem(BROKEN)
    if isinstance(error.extra, list) and error.extra and isinstance(error.extra[0], dict):
        return Problem(kind, str(error.extra[0].get("message", "")), str(error.extra[0].get("key", "")))
    return Problem(kind, "" if error.status_code == 404 else error.detail[:300])


Rendered = Callable[[Request[Any, Any, Any], Problem], Response[Any]]


def handlers(on_page: Rendered) -> ExceptionHandlersMap:
    """The three ways a request fails, each rendered for whoever asked: a program, or a person with a browser."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        problem = problem_of(request, error)
        return respond(problem) if request.scope["path"].startswith(PROGRAMS) else on_page(request, problem)

    return {Problem: handle, HTTPException: handle, Exception: handle}
