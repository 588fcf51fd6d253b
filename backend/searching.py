"""One search over all that people look for: jobs, orders, items, customers, sites, assets and people, within scope.

Jobs' own numbers stand in an index of words that the projections keep; master data are few, and are looked through.
"""

import sqlite3
from collections.abc import Iterable
from itertools import islice
from typing import Final, Literal

import msgspec

from backend.called import Called
from backend.known import Entry, Known
from backend.reach import EVERY_SITE
from backend.rows import JobRow, title_of
from backend.spelling import BACKWARDS, phone_looked_for, squashed, words
from backend.store.sqlite import queries
from backend.views import jobs_found, scope_of
from sync.codec import decode

_SQL: Final = queries("search")
Group = Literal["job", "order", "item", "customer", "site", "asset", "person"]
Reason = Literal["number", "name", "serial", "phone", "street", "customer", "site", "asset", "person", "order", "item"]
MOST: Final = 20
"""Hits of one group."""
MOST_READ: Final = 400
"""Words of the index that one search looks at."""
MOST_ASKED_OF_JOBS: Final = 200
"""Of so many rows at no site of the scope one search asks if a job in scope has to do with them."""
_SHORTEST: Final = 2
_SHORTEST_END: Final = 4
_SHORTEST_JOB: Final = 4
_RELATED: Final = 5
_LAST: Final = "\U0010ffff"
_REASONS: Final[dict[str, Reason]] = {"order": "order", "item": "item", "asset": "asset", "customer": "customer"}
_OF_JOBS: Final[tuple[Literal["customer", "site", "asset"], ...]] = ("customer", "site", "asset")


class Hit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something found: what it is called, what else tells it apart, and by what it was found.

    `job` is the job that an order or an item hangs on, "" where there is none or several.
    """

    id: str
    name: str
    detail: str = ""
    phone: str = ""
    reason: Reason
    job: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, each group with the best first and no more than 20."""

    jobs: tuple[Hit, ...] = ()
    orders: tuple[Hit, ...] = ()
    items: tuple[Hit, ...] = ()
    customers: tuple[Hit, ...] = ()
    sites: tuple[Hit, ...] = ()
    assets: tuple[Hit, ...] = ()
    people: tuple[Hit, ...] = ()

    def is_empty(self) -> bool:
        """True where nothing was found."""
        return not any(getattr(self, name) for name in self.__struct_fields__)


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who searches: what the scope reaches, and whether jobs, orders and items may be read at all."""

    person: str
    keys: frozenset[str]
    reads_jobs: bool

    @property
    def sites(self) -> frozenset[str]:
        """The sites of the scope, by id."""
        return frozenset(key.removeprefix("site:") for key in self.keys if key.startswith("site:"))

    @property
    def teams(self) -> frozenset[str]:
        """The parties that the asker is, or belongs to."""
        return frozenset(key.removeprefix("party:") for key in self.keys if key.startswith("party:"))


def search(con: sqlite3.Connection, known: Known, asker: Asker, asked: str, *, most: int = MOST) -> Found:
    """What this text finds for whoever asks; nothing for less than two letters or figures."""
    text = asked.strip()[:200]
    if len(squashed(text)) < _SHORTEST:
        return Found()
    one = _Search(con, asker, text, most)
    one.masters(known)
    if asker.reads_jobs:
        one.numbers()
        one.related()
    return one.found()


class _Search:
    def __init__(self, con: sqlite3.Connection, asker: Asker, text: str, most: int) -> None:
        self.con = con
        self.asker = asker
        self.text = text
        self.most = most
        self.called = Called(con)
        self.scope = scope_of(asker.keys)
        self._hits: dict[Group, dict[str, Hit]] = {}
        self._asked_of_jobs = 0

    def _add(self, group: Group, hit: Hit, key: str = "") -> None:
        hits = self._hits.setdefault(group, {})
        if len(hits) < self.most:
            hits.setdefault(key or hit.id, hit)

    def found(self) -> Found:
        """All hits so far."""
        names: dict[Group, str] = {"person": "people"}
        return Found(**{names.get(group, f"{group}s"): tuple(hits.values()) for group, hits in self._hits.items()})

    # -- master data ------------------------------------------------------------
    def masters(self, known: Known) -> None:
        """Customers with their contacts, sites, assets and people whose name, number or street this is."""
        asked, phone = words(self.text), phone_looked_for(self.text)
        for entry, reason in known.matching(self.con, asked, squashed(self.text), phone):
            if self._in_scope(entry):
                key = f"{entry.id} {entry.name}" if entry.is_contact else entry.id
                self._add(entry.group, self._master(entry, reason), key)

    def _in_scope(self, entry: Entry) -> bool:
        if entry.group == "person":
            return self._sees(entry)
        if EVERY_SITE in self.asker.keys or self.asker.sites & entry.sites:
            return True
        self._asked_of_jobs += 1
        if self._asked_of_jobs > MOST_ASKED_OF_JOBS:
            return False
        return sees(self.con, self.called, self.asker, entry.group, entry.id)

    def _sees(self, entry: Entry) -> bool:
        """A colleague: oneself, of one's team, or at work at one of one's sites."""
        mine = self.asker.sites
        shared = bool(entry.sites & mine) or (bool(mine) and "*" in entry.sites) or ("*" in mine and bool(entry.sites))
        return shared or entry.id == self.asker.person or bool(entry.teams & self.asker.teams)

    def _master(self, entry: Entry, reason: Reason) -> Hit:
        name, detail = entry.name, entry.detail
        if entry.is_contact:
            name, detail = self.called.name_of_customer(entry.id), " · ".join(filter(None, (entry.name, entry.detail)))
        elif entry.group == "asset":
            detail = " · ".join(filter(None, (entry.detail, *map(self.called.name_of_site, entry.sites))))
        return Hit(id=entry.id, name=name, detail=detail, phone=entry.phone, reason=reason)

    # -- numbers of jobs, orders, items -------------------------------------------
    def numbers(self) -> None:
        """Jobs, orders and items whose number begins, or ends, like this."""
        whole = squashed(self.text)
        self._by_word(whole)
        if len(whole) >= _SHORTEST_END and any(one.isdigit() for one in whole):
            self._by_word(BACKWARDS + whole[::-1])
        self._waiting(whole)
        if len(self.text) >= _SHORTEST_JOB and self.text.isascii():
            given = {"name": self.text, "beyond": self.text + _LAST, "most": self.most}
            for (ref,) in self.con.execute(_SQL["jobs_named"].text, given).fetchall():
                row = self.con.execute(_SQL["job_reached"].text, {"job": ref, "keys": self.scope}).fetchone()
                if row is not None:
                    self._job(decode(row[0], JobRow), "number")

    def _by_word(self, word: str) -> None:
        given = {"word": word, "beyond": word + _LAST, "most": MOST_READ}
        for kind, id_ in self.con.execute(_SQL["words_from"].text, given).fetchall():
            jobs = self._jobs(f"{kind}:{id_}", 2)
            if jobs:
                self._thing(kind, id_, jobs)

    def _thing(self, kind: str, id_: str, jobs: list[JobRow]) -> None:
        job = jobs[0].job if len(jobs) == 1 else ""
        site = self.called.name_of_site(jobs[0].site)
        if kind == "order":
            self._add("order", Hit(id=id_, name=id_, detail=site, reason="number", job=job))
        elif kind == "item":
            name = self.called.name_of_item(id_)
            self._add("item", Hit(id=id_, name=name, detail=site, reason="number", job=job))
        elif kind == "asset":
            self._add("asset", Hit(id=id_, name=self.called.name_of_asset(id_), detail=site, reason="number"))
        elif kind == "customer":
            self._add("customer", Hit(id=id_, name=self.called.name_of_customer(id_), reason="number"))
        for row in jobs:
            self._job(row, _REASONS[kind])

    def _waiting(self, whole: str) -> None:
        """Orders that belong to no job yet: their names are few enough to be looked through."""
        names = self.con.execute(_SQL["waiting_orders"].text, {"keys": self.scope})
        fitting = ((name, site) for name, site in names if whole in squashed(name))
        for name, site in islice(fitting, self.most):
            self._add("order", Hit(id=name, name=name, detail=self.called.name_of_site(site), reason="number"))

    # -- jobs of what was found -------------------------------------------------------
    def related(self) -> None:
        """The newest jobs of the customers, sites, assets and people that were found."""
        for group in _OF_JOBS:
            for hit in islice(self._hits.get(group, {}).values(), _RELATED):
                for row in self._jobs(f"{group}:{hit.id}", _RELATED):
                    self._job(row, group)
        for hit in islice(self._hits.get("person", {}).values(), _RELATED):
            for row in self._jobs(f"accountable:{hit.id}", _RELATED):
                self._job(row, "person")

    def _jobs(self, key: str, most: int) -> list[JobRow]:
        return [row for _, row in jobs_found(self.con, self.asker.keys, key, most)]

    def _job(self, row: JobRow, reason: Reason) -> None:
        what = self.called.name_of_intent(row.intent) or row.said or row.outcome
        parts = [self.called.name_of_site(row.site), self.called.name_of_asset(row.asset)]
        # Whoever has an order's number knows the job by it; nobody knows one by the number that it has here.
        name, more = (title_of(row), what) if row.order else (what or title_of(row), title_of(row) if what else "")
        detail = " · ".join(filter(None, (more, *parts)))
        self._add("job", Hit(id=row.job, name=name, detail=detail, reason=reason))


def sees(
    con: sqlite3.Connection, called: Called, asker: Asker, group: Literal["customer", "site", "asset"], id_: str
) -> bool:
    """True where this is at a site of the asker's scope, or a job in scope has to do with it."""
    if EVERY_SITE in asker.keys:
        return True
    sites: tuple[str, ...] = (id_,)
    if group == "customer":
        sites = called.customer(id_).sites
    elif group == "asset":
        row = called.asset(id_)
        sites = (row.site,) if row is not None else ()
    if asker.sites.intersection(sites):
        return True
    return asker.reads_jobs and bool(jobs_found(con, asker.keys, f"{group}:{id_}", 1))


def asker_of(person: str, keys: Iterable[str], *, reads_jobs: bool) -> Asker:
    """Whoever searches."""
    return Asker(person=person, keys=frozenset(keys), reads_jobs=reads_jobs)
