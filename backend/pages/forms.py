"""Forms: taken only from a page of this office, read within bounds, given back filled when something is wrong."""

import hmac
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from litestar import Request
from litestar.datastructures import UploadFile

from backend.auth import StaffCaller
from sync.details import NO_TIME, UNTYPED
from sync.problems import FOREIGN_FORM, NOT_HERE_UNENCRYPTED, WRONG_INPUT, Problem

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
FIELD: Final = "form-token"
HEADER: Final = "x-form-token"
"""What carries the session's form token: a hidden field, or a header where htmx sends."""
MOST_TEXT: Final = 20_000
"""Characters of one field."""

AnyRequest = Request[Any, Any, Any]


class Form:
    """What a form sent: texts by field, without white space around them, and files."""

    def __init__(self, texts: dict[str, list[str]], files: dict[str, UploadFile]) -> None:
        self._texts = texts
        self._files = files

    def text(self, name: str) -> str:
        """The first text of this field, "" where there is none."""
        return self._texts.get(name, [""])[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Every text of this field that says something."""
        return tuple(text for text in self._texts.get(name, ()) if text)

    def column(self, name: str) -> tuple[str, ...]:
        """Every text of this field, empty ones too: a column of a table in the form."""
        return tuple(self._texts.get(name, ()))

    def ticked(self, name: str) -> bool:
        """True where a box of this name is ticked."""
        return bool(self.text(name))

    def file(self, name: str) -> UploadFile | None:
        """The file chosen in this field, if one was."""
        found = self._files.get(name)
        return found if found is not None and found.filename else None

    def values(self) -> dict[str, str]:
        """The first text of every field, to fill the form again."""
        return {name: texts[0] for name, texts in self._texts.items() if name != FIELD}


async def read_form(request: AnyRequest) -> Form:
    """The form that was sent; WRONG_INPUT for a field that is too long or holds what nobody types."""
    texts: dict[str, list[str]] = {}
    files: dict[str, UploadFile] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            files[name] = value
            continue
        text = str(value).replace("\r\n", "\n").strip()
        if len(text) > MOST_TEXT or any(one < " " and one not in "\n\t" for one in text):
            raise Problem(WRONG_INPUT, UNTYPED.of(), name[:40])
        texts.setdefault(name, []).append(text)
    return Form(texts, files)


async def check_form(request: AnyRequest) -> None:
    """Return only if nothing is to be changed, or a page of this office asks for it; else FOREIGN_FORM.

    A browser says where a form comes from (Sec-Fetch-Site, Origin); somebody who is signed in also sends back what
    only a page of his session holds.
    """
    if request.method in _SAFE:
        return
    fetched, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetched not in (None, "same-origin"):
        raise Problem(FOREIGN_FORM)
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Problem(FOREIGN_FORM)
    caller = request.scope.get("auth")
    if isinstance(caller, StaffCaller):
        given = request.headers.get(HEADER) or str((await request.form()).get(FIELD, ""))
        if not hmac.compare_digest(given.encode(), caller.form.encode()):
            raise Problem(FOREIGN_FORM)
    elif fetched is None and origin is None:
        raise Problem(FOREIGN_FORM)


def check_encrypted(request: AnyRequest, url: str) -> None:
    """Return only if what is sent here can be read by nobody on the way; else NOT_HERE_UNENCRYPTED.

    True of https, of loopback, and where the settings say that the office is called by https: a proxy takes it off.
    """
    if request.url.scheme == "https" or url.startswith("https://") or request.url.hostname in _LOOPBACK:
        return
    raise Problem(NOT_HERE_UNENCRYPTED, f"{request.url.scheme}://{request.headers.get('host', '')[:80]}")


def zoned_time(text: str, zone: str, where: str) -> str:
    """What a field for date and time says in a zone, as RFC 3339; "" for nothing. WRONG_INPUT for anything else."""
    if not text:
        return ""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(WRONG_INPUT, NO_TIME.of(), where) from error
    return at.replace(tzinfo=at.tzinfo or ZoneInfo(zone)).isoformat(timespec="seconds")


def local_time(text: str, zone: str) -> str:
    """An RFC 3339 time as a field for date and time takes it; "" for nothing."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if text else ""


def local_path(text: str) -> str:
    """`text` where it is an address on this office; else "/": nobody is sent elsewhere by a link of ours."""
    parts = urlsplit(text)
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return text if is_local and text.isprintable() and "\\" not in text else "/"
