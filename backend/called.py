"""What things and people are called, where they are, and under which number they are reached: read when asked for.

Nothing here looks at scope: whoever asks has been shown the job, order or item that names them.
"""

import sqlite3
from typing import Final, TypeVar

import msgspec

from backend.master import CREW, PERSON, SITE, TEAM, Kind, PersonRow, SiteRow, all_of, find
from backend.masters.rows import (
    ARTICLE,
    ASSET,
    CONTACT,
    CUSTOMER,
    INTENT,
    AssetRow,
    ContactRow,
    CustomerRow,
    IntentRow,
)
from backend.store.sqlite import queries
from sync.policy import Names
from sync.protocol import read_document

_SQL: Final = queries("office")
POLICY: Final = "policy:"
_R = TypeVar("_R", bound=msgspec.Struct)


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be called."""

    name: str
    phone: str = ""
    position: str = ""


class Called:
    """Names of one reading: each row is read once."""

    def __init__(self, con: sqlite3.Connection) -> None:
        self._con = con
        self._rows: dict[tuple[str, str], msgspec.Struct | None] = {}
        self._contacts: dict[str, list[ContactRow]] | None = None

    def _row(self, kind: Kind[_R], id_: str) -> _R | None:
        at = (kind.name, id_)
        if at not in self._rows:
            self._rows[at] = find(self._con, kind, id_) if id_ else None
        row = self._rows[at]
        return row if isinstance(row, kind.shape) else None

    def site(self, id_: str) -> SiteRow:
        """The site's row; where there is none, one that is called like its id."""
        return self._row(SITE, id_) or SiteRow(name=id_)

    def zone(self, site: str) -> str:
        """The zone in which times at this site are said."""
        return self.site(site).zone

    def person(self, id_: str) -> PersonRow | None:
        """The person's row, or none."""
        return self._row(PERSON, id_)

    def customer(self, id_: str) -> CustomerRow:
        """The customer's row; where there is none, one that is called so."""
        return self._row(CUSTOMER, id_) or CustomerRow(name=id_)

    def asset(self, id_: str) -> AssetRow | None:
        """The asset's row, or none."""
        return self._row(ASSET, id_)

    def intent(self, id_: str) -> IntentRow:
        """The intent's row; words that are none of the list mean themselves."""
        return self._row(INTENT, id_) or IntentRow(name=id_)

    def name_of_site(self, id_: str) -> str:
        """What the site is called."""
        return self.site(id_).name or id_

    def name_of_customer(self, id_: str) -> str:
        """What the customer is called."""
        return self.customer(id_).name or id_

    def name_of_asset(self, id_: str) -> str:
        """What the asset is called."""
        row = self.asset(id_)
        return row.name if row is not None and row.name else id_

    def name_of_item(self, id_: str) -> str:
        """What the article is called; a serial number is its own name."""
        row = self._row(ARTICLE, id_)
        return row.name if row is not None and row.name else id_

    def name_of_intent(self, id_: str) -> str:
        """What the intent is called."""
        return self.intent(id_).name or id_

    def names(self) -> dict[str, str]:
        """Every person, team, crew and site by id, as devices are told too."""
        row = self._con.execute(_SQL["document_newest"].text, {"key": "names"}).fetchone()
        document = read_document(row[2]) if row is not None else None
        return document.names if isinstance(document, Names) else {}

    def boundaries(self) -> tuple[str, ...]:
        """The boundaries over which there is a policy, by name."""
        keys = (key for (key,) in self._con.execute(_SQL["document_keys"].text))
        return tuple(key.removeprefix(POLICY) for key in keys if key.startswith(POLICY))

    def parties(self) -> tuple[tuple[str, str], ...]:
        """Whoever can be accountable or planned, by what they are called: pairs of id and name."""
        named = [(id_, row.name) for id_, row in all_of(self._con, PERSON)]
        named += [(id_, row.name) for id_, row in all_of(self._con, TEAM)]
        named += [(id_, row.name) for id_, row in all_of(self._con, CREW)]
        return tuple(sorted(((id_, name or id_) for id_, name in named), key=lambda one: (one[1].casefold(), one[0])))

    def intents(self) -> tuple[tuple[str, str], ...]:
        """What jobs can be for, by what it is called: pairs of id and name."""
        return tuple(sorted(((id_, row.name or id_) for id_, row in all_of(self._con, INTENT)), key=lambda one: one[1]))

    def party(self, id_: str) -> str:
        """What somebody who can be accountable is called: a person, a team, a crew."""
        row = self._row(PERSON, id_) or self._row(TEAM, id_) or self._row(CREW, id_)
        return row.name if row is not None and row.name else id_

    def phone_of(self, party: str) -> str:
        """The number of a person; "" for teams, and where none is known."""
        row = self.person(party)
        return row.phone if row is not None else ""

    def contacts(self, customer: str, site: str) -> tuple[Reached, ...]:
        """Whom one calls about this customer's work at this site, the customer's own number last."""
        if self._contacts is None:
            self._contacts = {}
            for _, row in all_of(self._con, CONTACT):
                self._contacts.setdefault(row.customer, []).append(row)
        found = [
            Reached(name=row.name, phone=row.phone, position=row.position)
            for row in self._contacts.get(customer, ())
            if customer and (not row.sites or site in row.sites)
        ]
        own = self._row(CUSTOMER, customer)
        if own is not None and own.phone:
            found.append(Reached(name=own.name or customer, phone=own.phone))
        return tuple(found)
