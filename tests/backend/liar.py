"""A sign-in service that says whatever it is told to: a real HTTP server, for what no honest one would answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet


class Liar:
    """What it says: its keys, the claims of its ID token, of the account, and what it was asked."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.published = [self.key]
        self.signer = self.key
        self.algorithm = "ES256"
        self.issuer = ""
        self.says: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.account: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.failing = ""

    def answer(self, path: str) -> tuple[int, Any]:
        """Status and content at this address."""
        if self.failing and path.endswith(self.failing):
            return 503, {}
        match path:
            case "/.well-known/openid-configuration":
                names = ("authorization", "token", "userinfo")
                known = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in names}
                return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | known | self.metadata
            case "/keys":
                return 200, KeySet(list(self.published)).as_dict(private=False)
            case "/token":
                return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._token()}
            case "/userinfo":
                return 200, self.account
        return 404, {}

    def _token(self) -> str:
        header = {"alg": self.algorithm, "kid": self.signer.kid}
        claims = {name: value for name, value in self.says.items() if value is not None}
        return jwt.encode(header, claims, self.signer, algorithms=[self.algorithm])


@contextmanager
def liar() -> Iterator[Liar]:
    """One that listens."""
    here = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*here.answer(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            here.asked = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*here.answer(self.path))

        def _say(self, status: int, content: object) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="liar")
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
