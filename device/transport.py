"""The wire, as far as the agent sees it: one request out, one answer back, or nothing."""

import asyncio
import http.client
import ssl
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

import msgspec

from sync.codec import decode
from sync.problems import NO_CONNECTION, TOO_LARGE, Problem
from sync.session import Answer

TIMEOUT_S: Final = 20.0
MOST_ANSWER: Final = 64 * 1024 * 1024
"""A pull is bounded by its backend; what is larger than this is not one."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the conversation; `path` begins with a slash and holds the query, if any."""

    method: str
    path: str
    headers: dict[str, str] = {}
    body: bytes = b""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """Its answer; header names are in lower case."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class _Said(msgspec.Struct, frozen=True):
    # A problem as RFC 9457 writes it; `type` ends with the kind's slug.
    type: str = ""
    title: str = ""
    detail: str = ""


def refusal(response: Response) -> Answer:
    """What an answer that says no names, as far as it can be read: a proxy in between says anything."""
    try:
        said = decode(response.body, _Said)
    except Problem:
        said = _Said()
    asked = response.headers.get("retry-after", "")
    return Answer(
        status=response.status,
        slug=said.type.rpartition("/")[2].rpartition(":")[2],
        detail=said.detail or said.title,
        retry_after_ms=int(asked) * 1000 if asked.isascii() and asked.isdigit() and len(asked) < 8 else 0,
    )


class Transport(Protocol):
    """Whatever carries requests to a backend. Trials pass one that loses some."""

    async def send(self, request: Request) -> Response:
        """The answer, whole. NO_CONNECTION where none came: then the request may or may not have arrived."""

    def close(self) -> None:
        """Called at the end of a round: afterwards nothing is kept open; the next request opens it again."""


Connect = Callable[[str], Transport]
"""Gives a transport to the backend at an address."""


class HttpTransport:
    """HTTP/1.1 with the standard library, one request at a time, the connection kept while it lasts."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Problem(NO_CONNECTION, "an address begins with http:// or https:// and names a host", url)
        self._url = url
        self._base = parts.path.rstrip("/")
        self._kept = _connection(parts.scheme, parts.hostname, parts.port, timeout_s)
        self._one_at_a_time = asyncio.Lock()

    async def send(self, request: Request) -> Response:
        """See `Transport`."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._send, request)

    def _send(self, request: Request) -> Response:
        headers = {"Accept-Encoding": "identity", **request.headers}
        try:
            self._kept.request(request.method, self._base + request.path, request.body, headers)
            with self._kept.getresponse() as answer:
                lowered = {name.lower(): value for name, value in answer.getheaders()}
                response = Response(status=answer.status, headers=lowered, body=answer.read(MOST_ANSWER + 1))
                if answer.length and len(response.body) <= MOST_ANSWER:
                    self._cut_short(answer.length)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Problem(NO_CONNECTION, f"{type(error).__name__} {error}".strip(), self._url) from error
        if len(response.body) > MOST_ANSWER:
            self.close()
            raise Problem(TOO_LARGE, f"the answer has more than {MOST_ANSWER} bytes", self._url)
        return response

    @staticmethod
    def _cut_short(lacking: int) -> None:
        # A bounded read gives what came before the line was cut, and says nothing.
        raise http.client.IncompleteRead(b"", lacking)

    def close(self) -> None:
        """See `Transport`."""
        self._kept.close()


def _connection(scheme: str, host: str, port: int | None, timeout_s: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout_s)
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
