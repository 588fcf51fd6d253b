"""The frame of every page: language, theme, who is signed in, where one can go; and the page of a problem."""

import re
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.response import Redirect

from backend.auth import StaffCaller
from backend.pages.browsers import browser_of
from backend.pages.catalogue import NATIVE, PageWords, choose_language, page_words
from backend.pages.forms import FIELD, HEADER, AnyRequest, local_path
from backend.rows import instant
from backend.spelling import dialled
from sync.codec import encode
from sync.ids import b64
from sync.policy import Role
from sync.problems import NOT_SIGNED_IN, Problem

LANGUAGE: Final = "language"
THEME: Final = "theme"
THEMES: Final = ("auto", "light", "dark")
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every page: nothing from other hosts, no script in the page itself, in nobody's frame, kept by no cache."""


class Place(msgspec.Struct, frozen=True):
    """Somewhere one can go from every page: its address, the key of its name, and whose it is."""

    href: str
    key: str
    roles: frozenset[Role]


_LINE: Final = re.compile(r"line (\d+)", re.ASCII)
_PLACES: Final = ("where", "field", "job_field", "payload")
"""Groups of words that name fields: of any form, of master data, of jobs, of what is handed over."""
_EVERYBODY: Final[frozenset[Role]] = frozenset({"technician", "depot", "dispatcher", "manager", "admin"})
_ADMINS: Final[frozenset[Role]] = frozenset({"admin"})
_OFFICE: Final[frozenset[Role]] = frozenset({"depot", "dispatcher", "manager"})
_MANAGERS: Final[frozenset[Role]] = frozenset({"manager"})
_READERS: Final[frozenset[Role]] = frozenset({"technician", "depot", "dispatcher", "manager"})
PLACES: Final = (
    Place("/jobs", "nav.jobs", _READERS),
    Place("/orders", "nav.orders", _OFFICE),
    Place("/items", "nav.items", _READERS),
    Place("/data", "nav.data", _OFFICE),
    Place("/set-up/devices", "nav.devices", _MANAGERS),
    Place("/set-up", "nav.set_up", _ADMINS),
)
"""In the order in which they stand."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("backend.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static
    made.filters["segment"] = segment
    made.filters["browser"] = browser_of
    made.filters |= {"instant": instant, "dialled": dialled, "b64": b64}
    return made


def segment(text: str) -> str:
    """A name as one part of an address, whatever it holds."""
    return quote(text, safe="")


@cache
def static(name: str) -> str:
    """The address of a file of ours that browsers may keep: another content is another address."""
    content = resources.files("backend.pages").joinpath("static", *name.split("/")).read_bytes()
    return f"/static/{name}?v={sha256(content).hexdigest()[:12]}"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What every template is given as `frame`."""

    words: PageWords
    theme: str
    zone: str
    path: str
    query: str
    now_ms: int
    caller: StaffCaller | None
    places: tuple[Place, ...]

    @property
    def form_field(self) -> str:
        """The name of the hidden field that each form carries."""
        return FIELD

    @property
    def form_token(self) -> str:
        """What stands in it; "" where nobody is signed in."""
        return self.caller.form if self.caller else ""

    @property
    def headers(self) -> str:
        """What htmx adds to its requests, as JSON."""
        return encode({HEADER: self.form_token}).decode()

    @property
    def languages(self) -> tuple[tuple[str, str], ...]:
        """Every language by its own name."""
        return tuple(NATIVE.items())

    @property
    def themes(self) -> tuple[str, ...]:
        """What can be chosen of light and dark."""
        return THEMES

    def may(self, *roles: Role) -> bool:
        """True where whoever is signed in has one of these roles."""
        return self.caller is not None and bool(self.caller.roles.intersection(roles))

    def is_at(self, href: str) -> bool:
        """True where the page is at this place, or below it."""
        return self.path == href or self.path.startswith(f"{href}/")


def frame_of(request: AnyRequest) -> Frame:
    """The frame for whoever asks."""
    caller = request.scope.get("auth")
    signed_in = caller if isinstance(caller, StaffCaller) else None
    theme = request.cookies.get(THEME, "")
    door = request.app.state.intake.door
    return Frame(
        words=page_words(
            choose_language(request.cookies.get(LANGUAGE, ""), request.headers.get("accept-language", ""))
        ),
        theme=theme if theme in THEMES else "auto",
        zone=door.settings.zone,
        path=request.scope["path"],
        query=request.scope.get("query_string", b"").decode("latin-1"),
        now_ms=door.world.now_ms(),
        caller=signed_in,
        places=tuple(place for place in PLACES if signed_in and place.roles & signed_in.roles),
    )


def page(request: AnyRequest, template: str, *, status: int = 200, **content: object) -> Response[str]:
    """The page that this template makes of its content, in the reader's language."""
    frame = frame_of(request)
    text = _environment().get_template(template).render(frame=frame, t=frame.words, **content)
    return Response(text, status_code=status, media_type="text/html", headers=dict(HEADERS))


def is_htmx(request: AnyRequest) -> bool:
    """True where a part of a page was asked for, and not a page."""
    return request.headers.get("hx-request") == "true"


def go(where: str, *, cookies: Any = None) -> Redirect:  # noqa: ANN401 - the framework's own list of cookies
    """See there: what was to be done is done, and a reload does not do it again."""
    return Redirect(local_path(where), status_code=303, headers={"cache-control": "no-store"}, cookies=cookies or [])


def said_problem(words: PageWords, problem: Problem) -> dict[str, str]:
    """A problem for people: what it is, what was found, and what to do.

    `where` is the field as the form names it, `place` what people call it.
    """
    slug = problem.kind.slug
    return {
        "title": words(f"problem.{slug}"),
        "detail": _detail(words, problem),
        "where": problem.where,
        "place": _place(words, problem.where),
        "advice": words(f"advice.{slug}"),
        "slug": slug,
    }


def _detail(words: PageWords, problem: Problem) -> str:
    found = problem.found
    if found is None:
        return words.isolated(problem.detail)
    said = words(f"found.{found.detail.key}", **found.given)
    return said if found.detail.sentence.startswith("{") else f"{said[:1].upper()}{said[1:]}"


def _place(words: PageWords, where: str) -> str:
    line = _LINE.fullmatch(where)
    if line:
        return words("where.line", number=line[1])
    names = (where, where.rpartition(".")[2])
    named = (f"{group}.{name}" for name in names for group in _PLACES)
    return next((words(key) for key in named if words.has(key)), words.isolated(where))


def problem_page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """The page of a problem; who is not signed in is sent to do so, and back."""
    wants_part = is_htmx(request)
    if problem.kind is NOT_SIGNED_IN:
        back = local_path(_shown(request) if wants_part else _asked_for(request))
        where = "/sign-in" if back == "/" else f"/sign-in?{_query(back)}"
        if wants_part:
            return Response("", status_code=401, headers={"hx-redirect": where, "cache-control": "no-store"})
        return go(where)
    said = said_problem(frame_of(request).words, problem)
    if wants_part:
        made = page(request, "part/problem.html", status=problem.kind.status, problem=said)
        made.headers.update({"hx-retarget": "#status", "hx-reswap": "innerHTML"})
        return made
    return page(request, "problem.html", status=problem.kind.status, problem=said)


def _shown(request: AnyRequest) -> str:
    """The page that asked for a part of itself."""
    parts = urlsplit(request.headers.get("hx-current-url", ""))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _asked_for(request: AnyRequest) -> str:
    if request.method != "GET":
        return "/"
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{request.scope['path']}?{query}" if query else str(request.scope["path"])


def _query(back: str) -> str:
    return urlencode({"back": back})
