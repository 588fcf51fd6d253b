"""What nobody holds any more: how it is found out, and what follows once a manager has declared it.

A restored backend misses what came after its backup and no device gave back. It knows of it by gaps in logs, by
receipts for the office's own logs that devices gave back, and by what events name that is not here. What was recorded
after the last pull of any device, nobody can know of.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from backend.epoch import holds
from backend.facts import DIGEST_BYTES
from backend.office import Office
from backend.store.sqlite import queries
from backend.writing import Writing
from sync.events import Draft, Event, Log, LossDeclared, Seq
from sync.ids import JOB_BYTES, b64, is_name, job_id, unb64
from sync.ledger import missing_ranges
from sync.policy import Role
from sync.problems import NOT_PERMITTED, STILL_HELD, Problem
from sync.protocol import Receipt

_SQL: Final = queries("restore")
EVERY_SITE: Final = "*"
MAY_DECLARE: Final[tuple[Role, ...]] = ("manager",)


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A range of a log that is not held; `chain_after` is empty where nobody knows it either.

    `staff` says if the log is the office's: no device will send it. A device's may still come, if the device does.
    """

    log: str
    staff: bool
    from_: int = msgspec.field(name="from")
    to: int
    chain_after: str = ""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known to be missing: ranges of logs, and names of events or jobs that events here wait for."""

    gaps: tuple[Gap, ...]
    names: tuple[str, ...]


class Lost(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a manager says nobody holds: a range of a log.

    Where the chain value after it is known, it is found.
    """

    log: Log
    from_: Seq = msgspec.field(name="from")
    to: Seq


# -- finding out -----------------------------------------------------------------
def note_promise(writing: Writing, receipt: Receipt) -> bool:
    """Afterwards it is known that so much of an office's log was held; False where it is, or that was known."""
    if holds(writing.con, receipt):
        return False
    row = {"log": receipt.log, "through": receipt.received_through, "head": unb64(receipt.head)}
    return writing.con.execute(_SQL["promise"].text, row).rowcount > 0


def find_missing(con: sqlite3.Connection) -> Missing:
    """All that is known to be missing and was not declared lost."""
    promised: dict[str, dict[int, bytes]] = {}
    for log, through, head in con.execute(_SQL["promises"].text):
        promised.setdefault(log, {})[through] = head
    gaps: list[Gap] = []
    for ref, log, _, _, staff, through, _, _, _ in con.execute(_SQL["all_logs"].text).fetchall():
        heads = {first - 1: base for first, base in con.execute(_SQL["pending_bases"].text, {"log": ref})}
        heads |= promised.pop(log, {})
        seqs = [seq for (seq,) in con.execute(_SQL["seqs_of"].text, {"log": ref, "after": through})]
        end = max(heads, default=0) if staff else 0
        ranges = missing_ranges(through, [*seqs, end + 1])
        gaps.extend(_gaps(con, log, ranges, heads, staff=bool(staff)))
    for log, heads in promised.items():
        gaps.extend(_gaps(con, log, ((1, max(heads)),), heads, staff=True))
    waited = (what for (what,) in con.execute(_SQL["waited_for"].text))
    return Missing(gaps=tuple(gaps), names=tuple(what for what in waited if _is_event(what)))


def _gaps(
    con: sqlite3.Connection, log: str, ranges: Sequence[tuple[int, int]], heads: dict[int, bytes], *, staff: bool
) -> Iterator[Gap]:
    """The ranges without what of them was declared, cut where a chain value is known."""
    declared = con.execute(_SQL["lost_ranges"].text, {"log": log}).fetchall()
    for first, last in ranges:
        start = first
        for seq in range(first, last + 1):
            if any(one <= seq <= other for one, other, _ in declared):
                if start < seq:
                    yield Gap(log=log, staff=staff, from_=start, to=seq - 1)
                start = seq + 1
            elif seq in heads or seq == last:
                chain = b64(heads[seq]) if seq in heads else ""
                yield Gap(log=log, staff=staff, from_=start, to=seq, chain_after=chain)
                start = seq + 1


def gap_of(lost: Lost, missing: Missing) -> Gap:
    """The range that somebody names, with the chain value after it where that is known."""
    ends = {gap.to: gap for gap in missing.gaps if gap.log == lost.log}
    known = ends.get(lost.to)
    return Gap(
        log=lost.log,
        staff=known.staff if known else False,
        from_=lost.from_,
        to=lost.to,
        chain_after=known.chain_after if known else "",
    )


def _is_event(what: str) -> bool:
    """True for what an event may wait for and a manager declare: the hash of an event, or a job."""
    return is_name(what) and len(unb64(what)) in (DIGEST_BYTES, JOB_BYTES)


# -- declaring -------------------------------------------------------------------
def declare(writing: Writing, office: Office, by: str, gaps: Sequence[Gap], names: Sequence[str]) -> list[Event]:
    """Afterwards a manager's word stands in the office's log that nobody holds these any more: a word for each.

    NOT_PERMITTED where `by` is no manager of every site (what is missing could be anywhere), STILL_HELD for what is not
    missing.
    """
    person = writing.documents.roster()[1].person(by)
    if person is None or not set(MAY_DECLARE) & set(person.roles) or EVERY_SITE not in person.sites:
        raise Problem(NOT_PERMITTED, f"{by} is no manager of every site")
    missing = find_missing(writing.con)
    bodies: list[LossDeclared] = []
    for gap in gaps:
        if not any(one.log == gap.log and one.from_ <= gap.from_ and gap.to <= one.to for one in missing.gaps):
            raise Problem(STILL_HELD, f"{gap.from_} to {gap.to} of log {gap.log}")
        bodies.append(LossDeclared(log=gap.log, from_=gap.from_, to=gap.to, chain_after=gap.chain_after))
    for name in names:
        if name not in missing.names:
            raise Problem(STILL_HELD, name)
        bodies.append(LossDeclared(hash=name))
    return office.record(writing, [Draft(kind="loss.declared", actor=by, body=body) for body in bodies])


def take_loss(writing: Writing, body: LossDeclared) -> None:
    """Afterwards what a manager declared lost is waited for no more: what names it is refused.

    The log of a range is still to be gone on with.
    """
    con = writing.con
    if body.hash:
        names = {body.hash, *((job_id(body.hash),) if len(unb64(body.hash)) == DIGEST_BYTES else ())}
        for name in names:
            con.execute(_SQL["keep_lost_name"].text, {"name": name})
        for name in sorted(names):
            writing.release(name)
    if body.from_ is not None and body.to is not None:
        chain = unb64(body.chain_after) if body.chain_after else b""
        row = {"log": body.log, "first": body.from_, "last": body.to, "chain": chain}
        con.execute(_SQL["keep_lost_range"].text, row)


def loss_at(con: sqlite3.Connection, log: str, seq: int) -> tuple[int, int, bytes] | None:
    """First, last and chain value after it of the declared loss in which `seq` stands, where that value is known."""
    for first, last, chain in con.execute(_SQL["lost_ranges"].text, {"log": log}):
        if first <= seq <= last and chain:
            return first, last, chain
    return None
