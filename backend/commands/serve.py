"""`handover serve`: the server, until it is told to stop."""

import gc
import logging
import os
import socket
import sys
from pathlib import Path

from backend.app import create_app
from backend.commands.console import address, finish, parser, read_file, whole
from backend.config import Provider, Settings
from backend.logs import log_json
from backend.serve import Server, bound
from backend.world import Machine, World
from sync.codec import decode
from sync.problems import ADDRESS_TAKEN, Problem


def main(argv: list[str], world: World | None = None) -> int:
    """Run the command; a trial passes a world of its own."""
    made = parser("serve", __doc__ or "")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    made.add_argument(
        "--port", type=whole(0, 65_535), default=8300, help="port to listen on, 0 for any free one (%(default)s)"
    )
    made.add_argument("--url", type=address, help="what enrolment codes tell devices to call (http://HOST:PORT)")
    made.add_argument("--desk", default="desk", help="the team that dispatches (%(default)s)")
    made.add_argument(
        "--checkers",
        type=int,
        choices=range(17),
        default=min((os.cpu_count() or 1) - 1, 4),
        metavar="N",
        help="processes that read pushes beside the server (one less than there are processors, 4 at most)",
    )
    made.add_argument(
        "--call-host",
        action="append",
        default=[],
        metavar="HOST",
        help="a host, address or network that webhooks may call though it is not on the open network; again for more",
    )
    made.add_argument("--trust", type=Path, metavar="FILE", help="certificates to trust besides the machine's own")
    made.add_argument(
        "--sign-in",
        type=Path,
        default=os.environ.get("HANDOVER_SIGN_IN"),
        metavar="FILE",
        help="services with whose accounts people sign in (OpenID Connect), as JSON: a list of objects with id, label, "
        "issuer, client_id, and secret_file or secret_env; each sends browsers back to URL/sign-in/with/ID/answer; "
        "$HANDOVER_SIGN_IN where it is not given",
    )
    made.add_argument("--verbose", action="store_true", help="log every batch, not only what a person must see")
    args = made.parse_args(argv)
    log_json(logging.INFO if args.verbose else logging.WARNING)

    def work() -> int:
        with listening(args.host, args.port) as listener:
            port: int = listener.getsockname()[1]
            url = args.url or _address(_name(args.host), port)
            database = Path(args.database)
            settings = Settings(
                database=database,
                url=url,
                desk=args.desk,
                checkers=args.checkers,
                call_hosts=tuple(args.call_host),
                trust_file=args.trust,
                providers=_providers(args.sign_in),
            )
            return run(settings, world or Machine(), listener)

    return finish("serve", work)


def _providers(file: Path | None) -> tuple[Provider, ...]:
    """What the file says; UNREADABLE names the place in it that cannot be read."""
    return decode(read_file(file), tuple[Provider, ...], str(file)) if file else ()


def _name(host: str) -> str:
    """What devices can call of an address to listen on: where that is every address, the name of this machine."""
    return socket.gethostname() if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listening(host: str, port: int) -> socket.socket:
    """A socket on that address; ADDRESS_TAKEN where it cannot be had."""
    try:
        return bound(host, port)
    except OSError as error:
        raise Problem(ADDRESS_TAKEN, error.strerror or "", f"{host}:{port}") from error


def run(settings: Settings, world: World, listener: socket.socket) -> int:
    """Serve on this socket until SIGTERM or SIGINT; 0 once stopped well."""
    host, port = listener.getsockname()[:2]
    where = _address(host, port)
    app = create_app(settings, world)

    def started() -> None:
        print(f"handover serves at {where}", flush=True)
        if not app.state.has_admin:
            code = app.state.first_code.text
            print(f"nobody administers it yet: open {where}/first and give the code {code}", flush=True)

    server = Server(app, started)
    # What a push leaves behind holds no cycles: looking for some among all that is kept would cost a tenth of it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    server.run(sockets=[listener])
    if server.refused is not None:
        raise server.refused
    if not server.started:
        print("handover serve: it could not start; the log says why", file=sys.stderr)
        return 2
    return 0
