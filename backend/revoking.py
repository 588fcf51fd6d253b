"""Revoking a device, and what its revocations mean for what is held.

A revocation names what is held at that moment, log by log and branch by branch; what comes later is stored,
receipted and put aside. Nothing that was judged is ever taken back.
"""

from typing import Final

from backend.facts import APPLIED, QUARANTINED, REFUSED
from backend.keys import enrolled_key
from backend.office import Office
from backend.revoked import branches
from backend.store.sqlite import queries
from backend.writing import Log, Place, Writing
from sync.events import DeviceRevoked, Draft, Event, Heads
from sync.ids import b64, unb64
from sync.ledger import chain_start, line_digest
from sync.policy import Role
from sync.problems import BAD_ARGUMENT, NOT_PERMITTED, Problem
from sync.revocation import Reason

_SQL: Final = queries("keys")
_LEDGER: Final = queries("ledger")
MOST_JUDGED: Final = 1_000
"""Hashes that one revocation names: an event has at most 64 KiB, and several for one key count together."""
MAY_REVOKE: Final[tuple[Role, ...]] = ("manager", "admin")


def allow(writing: Writing, person: str, roles: tuple[Role, ...]) -> None:
    """Return only if the roster in force gives this person one of these roles; else NOT_PERMITTED."""
    who = writing.documents.roster()[1].person(person)
    if who is None or not set(who.roles).intersection(roles):
        raise Problem(NOT_PERMITTED, f"it takes {' or '.join(roles)}")


def revoke(
    writing: Writing, office: Office, kid: str, reason: Reason, *, suspect: tuple[str, int] | None, by: str
) -> Event:
    """Afterwards the key may record no more: what is held of its logs stands, anything else is put aside.

    `suspect` is a log and the seq from which on its custody events are put before people. The roster that says so
    is the caller's to issue. NOT_FOUND where no device had the key, BAD_ARGUMENT for somebody else's log.
    """
    key = enrolled_key(writing.con, kid)
    writing.flush()
    rows = writing.con.execute(_LEDGER["logs_of_kid"].text, {"kid": kid}).fetchall()
    logs = [writing.log_of(ref) for ref, _ in rows]
    if suspect is not None and suspect[0] not in {log.log for log in logs}:
        raise Problem(BAD_ARGUMENT, f"{suspect[0]} is no log of this device's key")
    heads: list[Heads] = []
    judged: list[str] = []
    for log in logs:
        of_log, others = _held(writing, log)
        heads.append(Heads(log=log.log, heads=of_log))
        judged += others
    body = DeviceRevoked(
        device=key.device,
        kid=kid,
        reason=reason,
        logs=tuple(heads),
        judged=tuple(judged[:MOST_JUDGED]),
        suspect_log=suspect[0] if suspect else "",
        suspect_from=suspect[1] if suspect else None,
    )
    more = [
        DeviceRevoked(device=key.device, kid=kid, reason=reason, judged=tuple(judged[start : start + MOST_JUDGED]))
        for start in range(MOST_JUDGED, len(judged), MOST_JUDGED)
    ]
    # Those that only name more come first: each is recorded before anything is put aside for not being named.
    drafts = [Draft(kind="device.revoked", actor=by, body=one) for one in (*more, body)]
    event = office.record(writing, drafts)[-1]
    for log in logs:
        _judge_waiting(writing, log)
    return event


def _held(writing: Writing, log: Log) -> tuple[tuple[str, ...], list[str]]:
    """The last chain value of each branch short of what is put aside, and by hash what else was judged."""
    tree = branches(writing.con, log.ref, log.log)
    clean: set[bytes] = set()
    leaves: dict[bytes, None] = {}
    judged: list[str] = []
    start = chain_start(log.log)
    for chain, verdict in tree.verdicts.items():
        before = tree.parents.get(chain)
        if verdict != QUARANTINED and (before is None or before == start or before in clean):
            clean.add(chain)
            leaves[chain] = None
            if before is not None:
                leaves.pop(before, None)
        elif verdict in (APPLIED, REFUSED):
            seq, digest_ = tree.at[chain]
            judged.append(b64(line_digest(_row(writing, Place(log.ref, seq, digest_))[0])))
    unchained = writing.con.execute(_SQL["judged_unchained"].text, {"log": log.ref})
    judged += [b64(line_digest(raw)) for (raw,) in unchained]
    return tuple(b64(chain) for chain in leaves), judged


def _row(writing: Writing, place: Place) -> tuple[bytes, int]:
    """Bytes and verdict of an event held."""
    row = writing.con.execute(_LEDGER["fork_row" if place.digest else "main_row"].text, place.names()).fetchone()
    return row[0], row[4]


def _judge_waiting(writing: Writing, log: Log) -> None:
    """Afterwards what waited in this log, parked or put aside, was judged as the revocations now stand."""
    writing.flush()
    for seq, digest_, _ in writing.con.execute(_SQL["not_final"].text, {"log": log.ref}).fetchall():
        writing.judge_again(Place(log.ref, seq, digest_))


def is_inside(writing: Writing, log: Log, place: Place, chain: bytes | None) -> bool:
    """True if the event at this place lies on the way to a head that a revocation of the log's key names.

    Where the revocation names it by hash it stands as well, whatever this says. `place` is for the reader's sake: a
    chain value stands at one place alone.
    """
    del place
    return writing.book.revoked.is_inside(log.ref, log.log, log.kid, chain)


def reach(writing: Writing, log: Log) -> None:
    """Afterwards what turned out to lie on the way to a head, now that more of the log is held, was judged.

    A backend that was restored knows the revocation before it holds again what that names.
    """
    revoked = writing.book.revoked
    if log.kid not in revoked.kids:
        return
    revoked.look_again(log.ref)
    _judge_waiting(writing, log)


def widen(writing: Writing, office: Office, returned: Event) -> None:
    """Afterwards nothing that was judged here is outside what the revocations of that key name.

    A revocation that comes back after a restore names what was held when it was made. What was judged since, and it
    does not name, would be put aside wherever it is read first: it is recorded anew with what is held now.
    """
    body = returned.body
    if not isinstance(body, DeviceRevoked):
        return
    revoked = writing.book.revoked
    for kid in revoked.keys_of(body):
        logs = [writing.log_of(ref) for ref, _ in writing.con.execute(_LEDGER["logs_of_kid"].text, {"kid": kid})]
        if any(_names_less(writing, log) for log in logs):
            revoke(writing, office, kid, body.reason, suspect=None, by=returned.actor)
        for log in logs:
            reach(writing, log)


def _names_less(writing: Writing, log: Log) -> bool:
    """True if an event of this log is judged that no revocation of its key names."""
    revoked = writing.book.revoked
    heads, others = _held(writing, log)
    named = frozenset[str]().union(*(one.judged for one in revoked.revocations(log.kid)))
    revoked.look_again(log.ref)
    return any(not revoked.is_inside(log.ref, log.log, log.kid, unb64(head)) for head in heads) or any(
        hash_ not in named for hash_ in others
    )
