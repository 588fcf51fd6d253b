"""What puts an applied event in doubt: its log was continued twice, or its key was no longer its owner's.

A doubt changes no verdict and takes nothing out of the fold, so that nobody can repudiate by cloning a device. It
puts each event concerned before people, until a manager promotes it or a resolution cites it.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from sync.events import CUSTODY, DeviceRevoked, Event, EventPromoted, LogForked

DOUBTING: Final = frozenset({"log.forked", "device.revoked", "event.promoted"})
"""Kinds that put other events in doubt, or end that. They stand in staff logs."""
Why = Literal["forked", "suspect", "compromised"]


class Doubts(msgspec.Struct, frozen=True, kw_only=True):
    """What is held that puts events in doubt.

    `forks` gives by log the lowest seq in dispute, `suspects` the seq from which its key may have been in other hands.
    `compromised` names by hash the custody events that count only because somebody else witnessed them, after their
    key was revoked as compromised. `promoted` are the hashes of events that a manager lets count. `causes` gives by
    log the hashes of the events that say so, for a resolution to cite, in order.
    """

    forks: dict[str, int] = {}
    suspects: dict[str, int] = {}
    compromised: frozenset[str] = frozenset()
    promoted: frozenset[str] = frozenset()
    causes: dict[str, tuple[str, ...]] = {}


NO_DOUBTS: Final = Doubts()


def doubts_of(events: Iterable[Event], compromised: frozenset[str] = frozenset()) -> Doubts:
    """What these applied events put in doubt, in whatever order; of several for one log the lowest seq counts."""
    forks: dict[str, int] = {}
    suspects: dict[str, int] = {}
    promoted: set[str] = set()
    causes: dict[str, set[str]] = {}
    for event in events:
        match event.body:
            case LogForked(log=log, seq=seq):
                forks[log] = min(seq, forks.get(log, seq))
                causes.setdefault(log, set()).add(event.hash)
            case DeviceRevoked() as body:
                if body.suspect_from is not None:
                    suspects[body.suspect_log] = min(
                        body.suspect_from, suspects.get(body.suspect_log, body.suspect_from)
                    )
                for log in {body.suspect_log, *(heads.log for heads in body.logs)} - {""}:
                    causes.setdefault(log, set()).add(event.hash)
            case EventPromoted():
                promoted.add(event.body.event)
    return Doubts(
        forks=forks,
        suspects=suspects,
        compromised=compromised,
        promoted=frozenset(promoted),
        causes={log: tuple(sorted(hashes)) for log, hashes in causes.items()},
    )


def puts_in_doubt(cause: Event, event: Event) -> bool:
    """Whether `cause`, a fork told or a key revoked, is about `event`, as far as the two of them can say.

    A compromised key puts in doubt whatever it signed and the revocation does not name as judged before.
    """
    match cause.body:
        case LogForked(log=log, seq=seq):
            return event.log == log and event.seq >= seq
        case DeviceRevoked() as body:
            first = body.suspect_from
            if first is not None and event.log == body.suspect_log and event.seq >= first:
                return True
            mine = event.kid == body.kid or event.log in {heads.log for heads in body.logs}
            return body.reason == "compromised" and mine and event.hash not in body.judged
    return False


def why(event: Event, doubts: Doubts) -> Why | None:
    """Why an event is in doubt, the gravest reason; None where it is not. Of a suspect key only custody is asked."""
    if event.hash in doubts.promoted:
        return None
    if event.kind in CUSTODY:
        if event.hash in doubts.compromised:
            return "compromised"
        if event.seq >= doubts.suspects.get(event.log, event.seq + 1):
            return "suspect"
    return "forked" if event.seq >= doubts.forks.get(event.log, event.seq + 1) else None
