"""Every route that an application answers, as pairs of address and method; what is listed nowhere is found here."""

from litestar import Litestar
from litestar.routes import HTTPRoute

_ASKED = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
"""HEAD and OPTIONS say what GET says, or nothing."""


def routes_of(app: Litestar) -> list[tuple[str, str]]:
    """Address and method of every route, such as ("/api/jobs/{job:str}", "GET"), sorted."""
    routes = (route for route in app.routes if isinstance(route, HTTPRoute))
    return sorted((route.path_format, method) for route in routes for method in route.methods if method in _ASKED)
