"""What is held of revocations and promotions, as the question for one event asks it; read once, then remembered.

Of keys nobody revoked, which is nearly all, it costs one look into a small set.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from backend.keys import end_key, enrolled
from backend.store.sqlite import queries
from sync.codec import decode, encode, read_event
from sync.events import CodeWitnessed, DeviceRevoked, Event, EventPromoted
from sync.ids import b64, digest, unb64
from sync.ledger import advance, chain_start, line_digest
from sync.problems import Problem
from sync.qr import decode_frame
from sync.revocation import Revocation, quarantine, revocation, tree_inside
from sync.standing import Verdict

_SQL: Final = queries("keys")
_LEDGER: Final = queries("ledger")


class Branches(msgspec.Struct, frozen=True):
    """A log as a tree of chain values: the value before each, the verdict there, and where its event stands.

    `at` gives seq and digest, empty on the ledger's main branch.
    """

    parents: dict[bytes, bytes]
    verdicts: dict[bytes, int]
    at: dict[bytes, tuple[int, bytes]]


def branches(con: sqlite3.Connection, ref: int, name: str) -> Branches:
    """Every event of a log whose chain is known, in order of seq."""
    found = Branches({}, {}, {})
    chains: dict[int, list[bytes]] = {0: [chain_start(name)]}
    for seq, digest_, chain, verdict in con.execute(_SQL["chained"].text, {"log": ref}).fetchall():
        before = chains.get(seq - 1, [])
        if len(before) > 1:
            own = digest_ or line_digest(_bytes_of(con, ref, seq))
            before = [one for one in before if advance(one, own) == chain]
        if before:
            found.parents[chain] = before[0]
        found.verdicts[chain] = verdict
        found.at[chain] = (seq, digest_)
        chains.setdefault(seq, []).append(chain)
    return found


def _bytes_of(con: sqlite3.Connection, ref: int, seq: int) -> bytes:
    raw: bytes = con.execute(_LEDGER["main_row"].text, {"log": ref, "seq": seq}).fetchone()[0]
    return raw


class RevokedKeys:
    """`Held` of `sync.revocation` over the ledger. `con` is the connection of the transaction; the door sets it."""

    def __init__(self) -> None:
        self.con: sqlite3.Connection
        self.before_reading: Callable[[], None] = lambda: None
        self._said: dict[str, list[Revocation]] | None = None
        self._inside: dict[int, frozenset[bytes]] = {}

    def forget(self) -> None:
        """Afterwards nothing is remembered; what is asked for is read again."""
        self._said = None
        self._inside.clear()

    @property
    def kids(self) -> dict[str, list[Revocation]]:
        """Every key that was revoked, with what was said of it."""
        if self._said is None:
            self._said = {}
            for hash_, kid, said in self.con.execute(_SQL["revocations"].text):
                self._said.setdefault(kid, []).append(_read(hash_, kid, said))
        return self._said

    # -- asked by the question ------------------------------------------------
    def revocations(self, kid: str) -> list[Revocation]:
        """See `Held`."""
        return self.kids.get(kid, [])

    def is_promoted(self, hash_: str) -> bool:
        """See `Held`."""
        (found,) = self.con.execute(_SQL["promoted"].text, {"hash": unb64(hash_)}).fetchone()
        return bool(found)

    def witnessed_by(self, hash_: str) -> frozenset[str]:
        """See `Held`."""
        return frozenset(kid for (kid,) in self.con.execute(_SQL["witnessed_by"].text, {"hash": unb64(hash_)}))

    def is_inside(self, ref: int, name: str, kid: str, chain: bytes | None) -> bool:
        """True if the event with this chain value lies on the way to a head that a revocation of the key names."""
        if chain is None:
            return False
        inside = self._inside.get(ref)
        if inside is None:
            heads = frozenset[str]().union(*(one.heads.get(name, frozenset()) for one in self.revocations(kid)))
            self.before_reading()
            inside = tree_inside(heads, branches(self.con, ref, name).parents) if heads else frozenset()
            self._inside[ref] = inside
        return chain in inside

    def look_again(self, ref: int) -> None:
        """Afterwards what lies inside of this log is worked out anew: more of it is held."""
        self._inside.pop(ref, None)

    def aside(self, event: Event, ref: int, kid: str, chain: bytes | None) -> Verdict | None:
        """The verdict that puts this event aside, or None: it is to be judged."""
        if kid not in self.kids:
            return None
        return quarantine(event, kid, self.is_inside(ref, event.log, kid, chain), self)

    def keys_of(self, body: DeviceRevoked) -> tuple[str, ...]:
        """The keys that a revocation is about: the one it names, else all that the device ever had."""
        return (body.kid,) if body.kid else tuple(key.kid for key in enrolled(self.con, body.device))

    # -- kept up to date by the door ------------------------------------------
    def note(self, event: Event, kid: str, holds: Iterable[str]) -> None:
        """Afterwards an applied revocation, promotion or witness counts; `kid` is the key of the log it stands in.

        `holds` are the hashes of what a witness holds.
        """
        match event.body:
            case DeviceRevoked():
                said = encode(event.body).decode()
                for one in self.keys_of(event.body):
                    row = {"hash": unb64(event.hash), "kid": one, "said": said}
                    self.con.execute(_SQL["keep_revocation"].text, row)
                    end_key(self.con, one, event.body.reason)
                self.forget()
            case EventPromoted(event=promoted):
                self.con.execute(_SQL["keep_promotion"].text, {"hash": unb64(promoted)})
            case CodeWitnessed():
                for hash_ in holds:
                    self.con.execute(_SQL["keep_witnessed"].text, {"hash": unb64(hash_), "kid": kid})


def witnessed_in(body: CodeWitnessed) -> tuple[str, ...]:
    """The hashes of the events that a witness holds; none where its frame cannot be read."""
    try:
        return tuple(b64(digest(signed.raw)) for signed in decode_frame(unb64(body.frame)).events)
    except Problem:
        return ()


def held_by(raw: bytes) -> tuple[str, ...]:
    """The same of an event's bytes; none of any other kind, nor of bytes that cannot be read."""
    try:
        body = read_event(raw).body
    except Problem:
        return ()
    return witnessed_in(body) if isinstance(body, CodeWitnessed) else ()


def _read(hash_: bytes, kid: str, said: str) -> Revocation:
    found = revocation(b64(hash_), decode(said, DeviceRevoked))
    return msgspec.structs.replace(found, kid=kid)
