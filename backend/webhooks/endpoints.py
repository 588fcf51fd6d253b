"""Who is told of what: webhooks as an administrator keeps them."""

import sqlite3
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from backend.store.sqlite import queries
from backend.webhooks.addresses import check_url
from backend.webhooks.signing import SECRET_BYTES, make_secret
from backend.world import World
from sync.codec import decode, encode
from sync.details import NO_EVENT_KIND, NO_WEBHOOK
from sync.events import KINDS
from sync.ids import b64
from sync.problems import NOT_FOUND, WRONG_INPUT, Problem

_SQL: Final = queries("webhooks")
OVERLAP_MS: Final = 86_400_000
"""For a day after a secret was replaced both sign."""
GROUPS: Final = tuple(sorted({kind.partition(".")[0] for kind in KINDS}))
"""What kinds begin with: `handover` stands for every kind that begins so."""

HookState = Literal["active", "paused", "gone"]
MessageState = Literal["waiting", "sent", "dead"]


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook; times are ms since 1970.

    `kinds` are kinds or what they begin with, none of them is all. `sites` is its scope as a person's: empty is none,
    `*` is all. While nobody answered, it rests until `rests_until`, and `said` is what came of the last try.
    """

    id: str
    label: str
    url: str
    kinds: tuple[str, ...]
    sites: tuple[str, ...]
    state: HookState
    failures: int
    rests_until: int
    said: str
    made_by: str
    made_at: int
    former_until: int
    waiting: int = 0
    sent: int = 0
    dead: int = 0


class AskedHook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an administrator says of a webhook."""

    label: Annotated[str, Meta(min_length=1, max_length=100)]
    url: str
    kinds: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


def wants(kinds: Sequence[str], kind: str) -> bool:
    """True where events of this kind are among these."""
    return not kinds or kind in kinds or kind.partition(".")[0] in kinds


def add(con: sqlite3.Connection, world: World, asked: AskedHook, *, by: str) -> str:
    """The id of a new webhook, told of what comes to count from now on."""
    id_ = b64(world.token(9))
    (filled,) = con.execute(_SQL["last_position"].text).fetchone()
    row = {"id": id_, "secret": make_secret(world.token(SECRET_BYTES)), "filled": filled}
    con.execute(_SQL["add"].text, _checked(asked) | row | {"made_by": by, "made_at": world.now_ms()})
    return id_


def change(con: sqlite3.Connection, id_: str, asked: AskedHook) -> None:
    """Afterwards it is told so; what waits is sent to the new address at once."""
    get(con, id_)
    con.execute(_SQL["change"].text, _checked(asked) | {"id": id_})


def _checked(asked: AskedHook) -> dict[str, str]:
    check_url(asked.url)
    unknown = [kind for kind in asked.kinds if kind not in KINDS and kind not in GROUPS]
    if unknown:
        raise Problem(WRONG_INPUT, NO_EVENT_KIND.of(name=unknown[0][:60]), "kinds")
    lists = {"kinds": encode(asked.kinds).decode(), "sites": encode(asked.sites).decode()}
    return {"label": asked.label, "url": asked.url} | lists


def set_state(con: sqlite3.Connection, id_: str, state: HookState) -> None:
    """Afterwards nothing is sent (`paused`), or what waits is sent again (`active`)."""
    get(con, id_)
    con.execute(_SQL["set_state"].text, {"id": id_, "state": state})


def rotate(con: sqlite3.Connection, world: World, id_: str) -> None:
    """Afterwards a new secret signs; for a day the one before signs beside it."""
    get(con, id_)
    row = {"id": id_, "secret": make_secret(world.token(SECRET_BYTES)), "former_until": world.now_ms() + OVERLAP_MS}
    con.execute(_SQL["rotate"].text, row)


def remove(con: sqlite3.Connection, id_: str) -> None:
    """Afterwards there is no such webhook, and nothing that waited for it."""
    get(con, id_)
    con.execute(_SQL["remove_messages"].text, {"id": id_})
    con.execute(_SQL["remove"].text, {"id": id_})


def secrets(con: sqlite3.Connection, id_: str, now_ms: int) -> tuple[str, ...]:
    """What signs now, the newest first."""
    row = con.execute(_SQL["secrets"].text, {"id": id_}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, NO_WEBHOOK.of(name=id_[:40]))
    secret, former, former_until = row
    return (secret, former) if former and former_until > now_ms else (secret,)


def get(con: sqlite3.Connection, id_: str) -> Hook:
    """The webhook of this id; NOT_FOUND where there is none."""
    row = con.execute(_SQL["webhook"].text, {"id": id_}).fetchone()
    if row is None:
        raise Problem(NOT_FOUND, NO_WEBHOOK.of(name=id_[:40]))
    return _hook(row, _counts(con))


def all_hooks(con: sqlite3.Connection) -> tuple[Hook, ...]:
    """Every webhook, by its label."""
    counts = _counts(con)
    return tuple(_hook(row, counts) for row in con.execute(_SQL["webhooks"].text).fetchall())


def _counts(con: sqlite3.Connection) -> dict[tuple[str, str], int]:
    return {(hook, state): count for hook, state, count in con.execute(_SQL["counts"].text)}


def _hook(row: Sequence[object], counts: dict[tuple[str, str], int]) -> Hook:
    id_, label, url, kinds, sites, *more = row
    names = ("state", "failures", "rests_until", "said", "made_by", "made_at", "former_until")
    facts: dict[str, object] = dict(zip(names, more, strict=True))
    facts |= {"id": id_, "label": label, "url": url}
    facts |= {"kinds": decode(str(kinds), tuple[str, ...]), "sites": decode(str(sites), tuple[str, ...])}
    facts |= {state: counts.get((str(id_), state), 0) for state in ("waiting", "sent", "dead")}
    return msgspec.convert(facts, Hook)
