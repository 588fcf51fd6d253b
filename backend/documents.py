"""Roster, policies and names: cut from plain versioned rows, signed, every version kept byte for byte."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from backend.keys import EnrolledKey, backend_keys, enrolled
from backend.master import CREW, DEVICE, PERSON, SITE, TEAM, DeviceRow, all_of
from backend.store.sqlite import queries
from sync.clock import rfc3339
from sync.codec import encode
from sync.policy import Device, Directory, Document, Names, Person, Policy, Roster, key_of, reference
from sync.protocol import read_document
from sync.seal import Signer

_SQL: Final = queries("office")
_KEPT: Final = 64


class Signed(msgspec.Struct, frozen=True):
    """A document as issued."""

    key: str
    reference: str
    raw: bytes
    jws: str


class Kept(msgspec.Struct, frozen=True):
    """What a document that is kept is called."""

    key: str
    reference: str


class Documents:
    """The documents this process has read, newest first at hand; the rest is read when it is named.

    `con` is the connection of the transaction at work; the door sets it.
    """

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.con: sqlite3.Connection
        self._newest: dict[str, tuple[str, Document]] = {}
        self._directories: OrderedDict[str, Directory] = OrderedDict()
        self._policies: OrderedDict[tuple[str, str], Policy] = OrderedDict()

    def forget(self) -> None:
        """Afterwards nothing is remembered; what is asked for is read again."""
        self._newest.clear()
        self._directories.clear()
        self._policies.clear()

    # -- asked by the judge ---------------------------------------------------
    def directory(self, reference_: str) -> Directory | None:
        """The roster with this reference, of all ever issued."""
        found = self._directories.get(reference_)
        if found is None:
            roster = self._read("roster", reference_)
            if not isinstance(roster, Roster):
                return None
            found = Directory(roster)
            _remember(self._directories, reference_, found)
        return found

    def policy(self, boundary: str, reference_: str) -> Policy | None:
        """The policy of this boundary with this reference, of all ever issued."""
        found = self._policies.get((boundary, reference_))
        if found is None:
            policy = self._read(f"policy:{boundary}", reference_)
            if not isinstance(policy, Policy):
                return None
            found = policy
            _remember(self._policies, (boundary, reference_), found)
        return found

    def _read(self, key: str, reference_: str) -> Document | None:
        row = self.con.execute(_SQL["document_named"].text, {"key": key, "reference": reference_}).fetchone()
        return read_document(row[0]) if row else None

    def newest(self, key: str) -> tuple[str, Document] | None:
        """Reference and content of the latest version, or None."""
        if key not in self._newest:
            row = self.con.execute(_SQL["document_newest"].text, {"key": key}).fetchone()
            if row is None:
                return None
            self._newest[key] = (row[1], read_document(row[2]))
        return self._newest[key]

    def roster(self) -> tuple[str, Directory]:
        """Reference and content of the roster in force; there is one from the first start on."""
        found = self.newest("roster")
        directory = self.directory(found[0]) if found else None
        if found is None or directory is None:
            raise LookupError("this database has no roster yet")
        return found[0], directory

    def policies(self) -> list[tuple[str, Policy]]:
        """Reference and content of every policy in force, by boundary."""
        keys = [key for (key,) in self.con.execute(_SQL["document_keys"].text)]
        found = [self.newest(key) for key in keys if key.startswith("policy:")]
        return [(one[0], one[1]) for one in found if one is not None and isinstance(one[1], Policy)]

    # -- issued by the office -------------------------------------------------
    def is_held(self, document: Document, raw: bytes) -> bool:
        """True if these very bytes are kept."""
        where = {"key": key_of(document), "reference": reference(document.version, raw)}
        return self.con.execute(_SQL["document_named"].text, where).fetchone() is not None

    def keep(self, document: Document, raw: bytes, jws: str, next_position: Callable[[str], int]) -> "Kept":
        """Afterwards a document that was issued once, and lost, is kept again, whatever else has its version."""
        kept = Kept(key_of(document), reference(document.version, raw))
        row = {"key": kept.key, "version": document.version, "reference": kept.reference, "bytes": raw, "jws": jws}
        self.con.execute(_SQL["keep_document"].text, row | {"position": next_position(kept.reference)})
        self._newest.pop(kept.key, None)
        return kept

    def issue(
        self, draft: Document, now_ms: int, next_position: Callable[[str], int], *, above: bool = False
    ) -> Signed | None:
        """The draft as the next version, signed and kept; None where the latest says the same already.

        With `above` it is issued all the same, so that it is above whatever was given out.
        Of `names` only the latest is kept, so that a forgotten name is gone.
        """
        key = key_of(draft)
        latest = self.newest(key)
        version = latest[1].version + 1 if latest else 1
        if (
            latest
            and not above
            and msgspec.structs.replace(draft, version=latest[1].version, issued_at=latest[1].issued_at) == latest[1]
        ):
            return None
        document = msgspec.structs.replace(draft, version=version, issued_at=rfc3339(now_ms))
        raw = encode(document)
        signed = Signed(key, reference(version, raw), raw, self.signer.sign(raw, "ho-doc"))
        row = {"key": key, "version": version, "reference": signed.reference, "bytes": raw, "jws": signed.jws}
        self.con.execute(_SQL["keep_document"].text, row | {"position": next_position(signed.reference)})
        if key == "names":
            self.con.execute(_SQL["drop_older"].text, {"key": key, "version": version})
        self._newest[key] = (signed.reference, document)
        return signed

    def roster_now(self) -> Roster:
        """The roster that the rows in force make, its version still to be given.

        A device stands there once for each key it ever had: who is left out could neither hand over what he holds
        nor be told to erase it. A crew stands there as a team of its members.
        """
        rows = dict(all_of(self.con, DEVICE))
        crews = all_of(self.con, CREW)
        crews_of: dict[str, list[str]] = {}
        for crew, made_of in crews:
            for person in made_of.members:
                crews_of.setdefault(person, []).append(crew)
        return Roster(
            version=1,
            issued_at="",
            devices=tuple(_listed(key, rows.get(key.device, DeviceRow())) for key in enrolled(self.con)),
            people={
                id_: Person(
                    roles=row.roles,
                    skills=row.skills,
                    teams=(*row.teams, *crews_of.get(id_, ())),
                    sites=row.sites,
                    trained_until=row.trained_until,
                    entitlements=row.entitlements,
                )
                for id_, row in all_of(self.con, PERSON)
            },
            teams=tuple(id_ for id_, _ in (*all_of(self.con, TEAM), *crews)),
            keys=backend_keys(self.con),
        )

    def names_now(self) -> Names:
        """The names that the rows in force make."""
        names = {id_: row.name for id_, row in all_of(self.con, PERSON)}
        names |= {id_: row.name for id_, row in all_of(self.con, TEAM)}
        names |= {id_: row.name for id_, row in all_of(self.con, CREW)}
        names |= {id_: row.name for id_, row in all_of(self.con, SITE)}
        return Names(version=1, issued_at="", names={id_: name for id_, name in names.items() if name})


def _listed(key: EnrolledKey, row: DeviceRow) -> Device:
    return Device(
        id=key.device,
        jwk=key.jwk,
        people=row.people,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        revoked=key.revoked,
    )


_K = TypeVar("_K")
_V = TypeVar("_V")


def _remember(kept: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
