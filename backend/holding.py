"""Whose devices hold what was recorded about a job last: known by how far each has pulled, never taken on trust."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from backend.store.sqlite import queries
from sync.policy import Directory
from sync.seal import kid_of

_SQL: Final = queries("lists")


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A device of somebody who must know, and how far it has pulled. `has` says that the asked position is on it.

    `pulled_ms` is when that was last heard of, `seen_ms` when the device was last in contact at all.
    """

    party: str
    device: str
    has: bool
    position: int
    pulled_ms: int | None
    seen_ms: int | None


class Holdings:
    """How far every device is, as of one reading."""

    def __init__(self, con: sqlite3.Connection, directory: Directory) -> None:
        self._directory = directory
        cursors = {kid: (position, at) for kid, position, at in con.execute(_SQL["cursors"].text)}
        contacts = dict(con.execute(_SQL["contacts"].text).fetchall())
        self._by_party: dict[str, list[tuple[str, int, int | None, int | None]]] = {}
        self._by_person: dict[str, list[tuple[str, int, int | None, int | None]]] = {}
        for device in directory.roster.devices:
            if device.revoked:
                continue
            kid = kid_of(device.jwk)
            position, at = cursors.get(kid, (0, None))
            seen = max((one for one in (at, contacts.get(kid)) if one is not None), default=None)
            for person in device.people:
                self._by_person.setdefault(person, []).append((device.id, position, at, seen))

    def of(self, parties: Iterable[str], position: int) -> tuple[Holding, ...]:
        """The devices of these people, crews and roles, and whether each holds all up to this position; by party."""
        return tuple(
            Holding(party=party, device=device, has=held >= position, position=held, pulled_ms=at, seen_ms=seen)
            for party in dict.fromkeys(parties)
            for device, held, at, seen in self._devices(party)
        )

    def _devices(self, party: str) -> list[tuple[str, int, int | None, int | None]]:
        if party not in self._by_party:
            people = [person for person in sorted(self._by_person) if self._directory.belongs(person, party)]
            self._by_party[party] = [device for person in people for device in self._by_person[person]]
        return self._by_party[party]
