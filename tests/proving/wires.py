"""What lies between a device and the backend in a simulation: requests go straight into the real application.

A wire loses, doubles, holds up and cuts what it carries, when it is told to; nothing else on it is simulated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, get_args

from litestar import Litestar

from device.transport import Request, Response
from sync.problems import NO_CONNECTION, Problem

Mishap = Literal["lost request", "lost reply", "duplicate", "held up", "cut request", "cut reply"]
MISHAPS: tuple[Mishap, ...] = get_args(Mishap)
Handle = Callable[[Request], Awaitable[Response]]


async def ask(app: Litestar, request: Request) -> Response:
    """One request, answered by the application as a server would have it answered."""
    path, _, query = request.path.partition("?")
    scope: Any = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.items()],
        "client": ("192.0.2.1", 40_000),
        "server": ("backend.test", 80),
        "state": {},
        "extensions": {},
    }
    scope["headers"].append((b"content-length", str(len(request.body)).encode()))
    sent = [{"type": "http.request", "body": request.body, "more_body": False}]
    status, headers, body = 0, {}, b""
    gone = asyncio.Event()

    async def receive() -> Any:  # noqa: ANN401 - an ASGI message
        if not sent:
            await gone.wait()
            return {"type": "http.disconnect"}
        return sent.pop()

    async def send(message: Any) -> None:  # noqa: ANN401 - as above
        nonlocal status, headers, body
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            body += message.get("body", b"")
            if not message.get("more_body", False):
                gone.set()

    await app(scope, receive, send)
    return Response(status=status, headers=headers, body=body)


class Wire:
    """A device's `Transport`; at most one mishap waits, for the next request on a path that ends so."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._mishap: tuple[Mishap, str, int] | None = None
        self.held: list[Request] = []
        self.pushes: list[Request] = []
        self.happened = 0
        self.requests = 0

    def expect(self, mishap: Mishap, of: str, at: int = 0) -> None:
        """The next request on a path ending in `of` comes to grief; what is cut is cut at `at` per mille."""
        self._mishap = (mishap, of, at)

    def calm(self) -> None:
        """No mishap waits any more."""
        self._mishap = None

    async def send(self, request: Request) -> Response:
        """See `device.transport.Transport`."""
        self.requests += 1
        path = request.path.partition("?")[0]
        if path.endswith("/push"):
            self.pushes.append(request)
        if self._mishap is None or not path.endswith(self._mishap[1]):
            return await self._handle(request)
        (mishap, _, at), self._mishap = self._mishap, None
        self.happened += 1
        match mishap:
            case "lost request":
                raise Problem(NO_CONNECTION, mishap)
            case "held up":
                self.held.append(request)
                raise Problem(NO_CONNECTION, mishap)
            case "duplicate":
                await self._handle(request)
                return await self._handle(request)
            case "cut request":
                cut = request.body[: len(request.body) * at // 1000]
                return await self._handle(
                    Request(method=request.method, path=request.path, headers=request.headers, body=cut)
                )
            case "cut reply":
                response = await self._handle(request)
                return Response(
                    status=response.status,
                    headers=response.headers,
                    body=response.body[: len(response.body) * at // 1000],
                )
            case "lost reply":
                await self._handle(request)
        raise Problem(NO_CONNECTION, mishap)

    def close(self) -> None:
        """Nothing is open between two requests."""
