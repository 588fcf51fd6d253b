"""Runs the server until it is told to stop, and then stops in the time of the last request."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from litestar import Litestar

GRACE_S = 8
"""How long requests in work may take once the server was told to stop."""


class Server(uvicorn.Server):
    """uvicorn, telling the application at once that it is to stop: streams that stay open end by themselves then."""

    def __init__(self, app: Litestar, started: Callable[[], None]) -> None:
        """`started` is called once, when requests are taken."""
        super().__init__(
            uvicorn.Config(
                app,
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; then say so."""
        await super().startup(sockets)
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
