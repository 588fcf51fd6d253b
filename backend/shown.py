"""Jobs as people read them: names for ids, numbers to call, whose device knows, and what there was before."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.called import Called, Reached
from backend.holding import Holding, Holdings
from backend.rows import JobRow, VisitRow, title_of
from backend.store.sqlite import queries
from backend.story import Chapter, Told, story
from backend.views import JobView, find_job, jobs_found
from sync.codec import decode
from sync.events import JobOpened
from sync.policy import Directory

_SQL: Final = queries("lists")
EARLIER_MS: Final = 30 * 86_400_000
"""How far back visits to the same asset are shown beside a job."""
_MOST_EARLIER: Final = 30


class ShownJob(msgspec.Struct, frozen=True, kw_only=True):
    """A row with names in place of ids. `title` is the number that its source gave it, else how its own begins.

    `phone` is of whoever is accountable, `contacts` are the customer's. `holdings` are the devices of all who must
    know of what was recorded last, `unknown` says that some of them are not known to.
    """

    row: JobRow
    title: str
    site: str
    address: str
    zone: str
    asset: str
    customer: str
    intent: str
    accountable: str
    phone: str
    planned: str
    offered: tuple[str, ...]
    contacts: tuple[Reached, ...]
    holdings: tuple[Holding, ...]

    @property
    def changed(self) -> bool:
        """True where it changed since it was offered: until it is again, or a device of who then holds it has that."""
        row = self.row
        has = any(one.party == row.accountable and one.position >= row.changed_at for one in self.holdings)
        return row.changed_since_offer and (bool(row.open_offers) or not has)

    @property
    def unknown(self) -> bool:
        """True where somebody's device is not known to have what was recorded last."""
        return any(not one.has for one in self.holdings)


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """A job at the same asset or site, with its visits."""

    job: ShownJob
    visits: tuple[VisitRow, ...]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page of a job shows. `moved` is what made the party accountable, `opened` reads as it was corrected.

    `names` are those of people, teams, crews and sites, `items` those of its articles.
    """

    view: JobView
    shown: ShownJob
    chapters: tuple[Chapter, ...]
    moved: Told | None
    opened: JobOpened | None
    earlier: tuple[Earlier, ...]
    names: dict[str, str]
    items: dict[str, str]


class Showing:
    """Makes rows readable, as of one reading."""

    def __init__(self, con: sqlite3.Connection, directory: Directory) -> None:
        self._con = con
        self.called = Called(con)
        self._holdings = Holdings(con, directory)

    def job(self, row: JobRow, offered: Iterable[str] = ()) -> ShownJob:
        """One job; `offered` are the parties that its open offers go to."""
        called, site = self.called, self.called.site(row.site)
        to = tuple(dict.fromkeys(offered))
        must_know = [party for party in (row.accountable, *to, row.planned) if party]
        return ShownJob(
            row=row,
            title=title_of(row),
            site=site.name or row.site,
            address=site.address,
            zone=site.zone,
            asset=called.name_of_asset(row.asset),
            customer=called.name_of_customer(row.customer),
            intent=called.name_of_intent(row.intent),
            accountable=called.party(row.accountable),
            phone=called.phone_of(row.accountable),
            planned=called.party(row.planned),
            offered=tuple(map(called.party, to)),
            contacts=called.contacts(row.customer, row.site),
            holdings=self._holdings.of(must_know, row.seen) if row.state == "open" else (),
        )

    def rows(self, rows: Iterable[JobRow]) -> tuple[ShownJob, ...]:
        """Rows of a list, each with whom it is offered to."""
        return tuple(self.job(row, self._offered(row)) for row in rows)

    def _offered(self, row: JobRow) -> list[str]:
        if not row.open_offers:
            return []
        found = self._con.execute(_SQL["keys_of_job"].text, {"id": row.job}).fetchone()
        keys = decode(found[0], list[str]) if found else []
        return [key.removeprefix("offered:") for key in keys if key.startswith("offered:")]

    def sight(self, keys: set[str], job: str, now_ms: int) -> Sight:
        """The page of a job; NOT_FOUND where these keys do not reach it."""
        view = find_job(self._con, keys, job)
        chapters = story(view.timeline)
        told = {one.entry.hash: one for chapter in chapters for one in (chapter.head, *chapter.answers)}
        opened = next((one.head.body for one in chapters if isinstance(one.head.body, JobOpened)), None)
        pending = [one for one in view.handovers if one.state in ("offered", "refused")]
        return Sight(
            view=view,
            shown=self.job(view.job, [party for one in pending for party in one.to]),
            chapters=chapters,
            moved=told.get(view.job.since),
            opened=opened,
            earlier=self.earlier(keys, view.job, now_ms),
            names=self.called.names(),
            items={item.item: self.called.name_of_item(item.item) for item in view.items},
        )

    def earlier(self, keys: set[str], row: JobRow, now_ms: int) -> tuple[Earlier, ...]:
        """Other jobs at the same asset, or where none is named at the same site, of the last 30 days."""
        key = f"asset:{row.asset}" if row.asset else f"site:{row.site}"
        return self.lately(keys, key, now_ms, but=row.job)

    def lately(self, keys: set[str], key: str, now_ms: int, *, but: str = "") -> tuple[Earlier, ...]:
        """The jobs under this key of the last 30 days, the newest first."""
        found: list[Earlier] = []
        for ref, row in jobs_found(self._con, keys, key, _MOST_EARLIER):
            raw = self._con.execute(_SQL["visits_of"].text, {"job": ref})
            visits = tuple(decode(body, VisitRow) for (body,) in raw)
            times = [row.opened_ms, *(one.arrived_ms for one in visits)]
            newest = max((one for one in times if one is not None), default=0)
            if row.job != but and newest >= now_ms - EARLIER_MS:
                found.append(Earlier(job=self.job(row), visits=visits))
        return tuple(found)
