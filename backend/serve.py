"""Runs the server until it is told to stop, and then stops in the time of the last request."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import cast

import uvicorn
from litestar import Litestar
from litestar.types import LifeSpanReceive, LifeSpanScope, LifeSpanSend, Receive, Scope, Send
from litestar.types.asgi_types import LifeSpanSendMessage

from sync.problems import Problem

_uvicorn = logging.getLogger("uvicorn.error")
GRACE_S = 8
"""How long requests in work may take once the server was told to stop."""


class Server(uvicorn.Server):
    """uvicorn, telling the application at once that it is to stop: streams that stay open end by themselves then."""

    def __init__(self, app: Litestar, started: Callable[[], None]) -> None:
        """`started` is called once, when requests are taken."""
        self._app = app
        super().__init__(
            uvicorn.Config(
                self._quietly,
                interface="asgi3",
                timeout_graceful_shutdown=GRACE_S,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=512,
            )
        )
        self._tell_started = started
        self._stopping = asyncio.Event()
        app.state.stopping = self._stopping

    @property
    def refused(self) -> Problem | None:
        """Why the application could not start, where it can say so."""
        problem: Problem | None = self._app.state.get("refused")
        return problem

    async def _quietly(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Send | LifeSpanSend
    ) -> None:
        """The application; a start that it can say why it failed is no fault, and leaves no traceback in the log."""

        async def told(message: LifeSpanSendMessage) -> None:
            if message["type"] == "lifespan.startup.failed" and self.refused is not None:
                message = {"type": "lifespan.startup.failed", "message": ""}
                _uvicorn.disabled = True
            await cast("LifeSpanSend", send)(message)

        await self._app(scope, receive, told if scope["type"] == "lifespan" else send)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; then say so. Where it cannot, `started` stays False, and `refused` may say why."""
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's way to say that the application did not start
            self.should_exit = True
        finally:
            _uvicorn.disabled = False
        if self.started:
            self._tell_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Called on SIGTERM and SIGINT: stop well, and at a second SIGINT at once.

        uvicorn's own would raise the signal again once all is closed, and a good stop would end as a death.
        """
        self._stopping.set()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def bound(host: str, port: int) -> socket.socket:
    """A socket bound there, before anything is opened: a port that is taken is said at once. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Said to be TCP: else asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for a delayed ACK.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found
