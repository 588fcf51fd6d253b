"""A receiver of webhooks as a stranger builds it: https, a certificate of its own, the standard's library."""

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from standardwebhooks.webhooks import Webhook

from tests.device.authority import Authority


class Receiver:
    """Keeps what it was sent, in order. `answer` says which status a message's id gets: 204 unless told otherwise."""

    def __init__(self, folder: Path, host: str = "localhost") -> None:
        folder.mkdir(exist_ok=True)
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("receiver", f"DNS:{host}")
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[str], int] = lambda _: 204
        self.port = 0

    @property
    def trust(self) -> Path:
        """The certificate of who vouches for it."""
        return Path(self.authority.file)

    @property
    def url(self) -> str:
        """Where it is called."""
        return f"https://localhost:{self.port}/hooks?from=handover"

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answer(self.headers["webhook-id"])
                if 200 <= status < 300:
                    receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", receiver.url)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is said."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """Every message taken, each verified by the standard's own library, which raises where one does not hold."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.taken]

    @property
    def ids(self) -> list[str]:
        """The ids of what was taken."""
        return [headers["webhook-id"] for headers, _ in self.taken]
