"""Logs as hash chains: what follows what, what is missing, what was continued twice.

`chain_0` is SHA-256 of the log's 16 bytes, `chain_n` SHA-256 of `chain_(n-1)` and the event's digest:
one value that commits to everything before it. Duplicates, gaps and forks are told apart by it alone.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from sync.ids import b64, digest, unb64
from sync.problems import BAD_HEADER, Problem

PREV_BYTES = 16
HASH_CHARACTERS = 43


def chain_start(log: str) -> bytes:
    """`chain_0` of a log, 32 bytes."""
    return digest(unb64(log))


def advance(chain: bytes, event_digest: bytes) -> bytes:
    """The chain value after one more event."""
    return digest(chain + event_digest)


def line_digest(line: bytes) -> bytes:
    """The digest of the event that a line stands for: of its bytes, or of the hash that is left of a redacted one.

    An event is an object and begins with a brace, which no hash does; what is neither is bytes like any other.
    """
    return _named(line) or digest(line)


def is_hash(line: bytes) -> bool:
    """True for a line that is the hash of an event and not its bytes."""
    return _named(line) is not None


def _named(line: bytes) -> bytes | None:
    if line.startswith(b"{") or len(line) != HASH_CHARACTERS:
        return None
    try:
        return unb64(line.decode("ascii"))
    except (UnicodeDecodeError, Problem):
        return None


def prev_of(chain: bytes) -> str:
    """What a custody event says of the chain before it: the first 16 bytes, base64url."""
    return b64(chain[:PREV_BYTES])


Wrong = Literal["missing", "inserted", "changed"]


def fault_at(expected: int, before: bytes, seq: int, event_digest: bytes, kept: bytes | None) -> Wrong | None:
    """What is wrong where the event `expected` should stand after the chain value `before`; None where nothing is.

    There stands `seq`, with the chain value `kept` beside it.
    """
    if seq != expected:
        return "missing" if seq > expected else "inserted"
    return None if kept == advance(before, event_digest) else "changed"


def first_break(log: str, events: Iterable[tuple[int, bytes, bytes]]) -> int | None:
    """The first bad seq of a log, or None: `events` are (seq, bytes, chain value kept beside it) in the order kept.

    A changed, dropped, inserted or moved event is found where it stands, whatever was done after it. What
    was cut off at the end cannot be found here; the receipt for it can.
    """
    chain = chain_start(log)
    for expected, (seq, raw, kept) in enumerate(events, start=1):
        own = line_digest(raw)
        if fault_at(expected, chain, seq, own, kept) is not None:
            return expected
        chain = advance(chain, own)
    return None


class Held(Protocol):
    """What a backend holds of one log: a main branch of the bytes that came first, and forks."""

    def main(self, seq: int) -> tuple[bytes, bytes | None] | None:
        """Digest and chain value of the event on the main branch; the chain is None while it hangs after a gap."""

    def forked(self, seq: int) -> frozenset[bytes]:
        """Chain values held for this seq on other branches."""


How = Literal["new", "duplicate", "forked"]


class Placed(msgspec.Struct, frozen=True):
    """Where one pushed event belongs.

    `new` goes onto the main branch; `duplicate` is held byte for byte (its chain value may be news);
    `forked` is kept beside other bytes of the same seq, or continues such a branch. `chain` is the value
    after it, None while the base of the batch is not held.
    """

    seq: int
    raw: bytes
    digest: bytes
    how: How
    chain: bytes | None


def place(held: Held, first: int, base: bytes, raws: Sequence[bytes], log: str) -> list[Placed]:
    """Each event of a batch that starts at `first` after the chain value `base`, in order.

    Nothing is refused here: what does not fit is kept as a gap or a fork, and told.
    """
    before = held.main(first - 1)
    on_main = base == (chain_start(log) if first == 1 else before and before[1])
    linked = on_main or base in held.forked(first - 1)
    chain = base
    placed = []
    for seq, raw in enumerate(raws, start=first):
        digest_ = line_digest(raw)
        chain = advance(chain, digest_)
        there = held.main(seq)
        if chain in held.forked(seq):
            how: How = "duplicate"
            on_main = False
        elif there in ((digest_, None), (digest_, chain)):
            # It came by itself, before what precedes it: wherever that stands, it is held once, however often it comes.
            how = "duplicate"
        elif linked and not on_main:
            how = "forked"
        elif there is None:
            how = "new"
        elif there[0] == digest_:
            how = "duplicate"
        else:
            how = "forked"
            on_main = False
        placed.append(Placed(seq, raw, digest_, how, chain if linked else None))
    return placed


def check_head(base: bytes, head: bytes, raws: Sequence[bytes]) -> None:
    """Return only if the events lead from `base` to `head`; else BAD_HEADER."""
    chain = base
    for raw in raws:
        chain = advance(chain, line_digest(raw))
    if chain != head:
        raise Problem(BAD_HEADER, "the events do not lead from base to head")


def missing_ranges(through: int, held: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """The seqs not held above `through` and below the highest held, as closed ranges in order."""
    gaps = []
    expected = through + 1
    for seq in sorted(held):
        if seq > expected:
            gaps.append((expected, seq - 1))
        expected = max(expected, seq + 1)
    return tuple(gaps)
