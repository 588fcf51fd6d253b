"""What of the API a role may call, read off the application's own routes: for tokens that are bound to some of it."""

from collections.abc import Iterable

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from sync.policy import Role

_ROOM = "/api/"
_ASKED = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class Endpoint(msgspec.Struct, frozen=True):
    """One method of one address, such as `POST /api/orders`, and what its documentation says first."""

    name: str
    says: str


def endpoints(app: Litestar, roles: Iterable[Role]) -> tuple[Endpoint, ...]:
    """What whoever has these roles may call, by address."""
    held = frozenset(roles)
    found: dict[tuple[str, str], Endpoint] = {}
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or not route.path_format.startswith(_ROOM):
            continue
        for handler in route.route_handlers:
            allowed = [guard.roles for guard in handler.resolve_guards() if hasattr(guard, "roles")]
            if all(held & roles for roles in allowed):
                says = (handler.fn.__doc__ or "").partition("\n")[0]
                for method in handler.http_methods & _ASKED:
                    found[route.path_format, method] = Endpoint(f"{method} {route.path_format}", says)
    return tuple(found[key] for key in sorted(found))
