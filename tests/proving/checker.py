"""Checks a history: what people were shown, what the store said of itself, and what it held, moment by moment.

It knows nothing of how the store works. It is tried first on a store that is right by construction and on some
that are wrong in one way each (`test_checker.py`); then it looks on while the product is simulated and soaked.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from sync.ids import b64, unb64
from sync.ledger import advance, chain_start

Name = tuple[str, int]
"""Log and seq."""

KEPT: Final = "I1 every event shown as recorded is on the backend byte-identical, or still in the outbox"
ONCE: Final = "I2 re-sent in any order, an event counts once"
BESIDE: Final = "I3 other bytes under a name never take the place of what is held"
CHAINED: Final = "I4 received through k means that 1 to k are stored and chained"
JUDGED: Final = "I6 every item has a verdict, and a final one never changes"
TRUE: Final = "I10 a receipt is true"
WHOLE: Final = "I12 a cursor never skips a committed row"
EMPTIED: Final = "I17 when faults stop, the outbox empties"
FORGOTTEN: Final = "no bytes of what was redacted stay anywhere"
FINAL: Final = frozenset({"applied", "refused"})


class Finding(msgspec.Struct, frozen=True):
    """An invariant that did not hold, and where."""

    invariant: str
    where: str


class Held(msgspec.Struct, frozen=True):
    """One event in the store: its hash, the chain value kept beside it if any, and its verdict ("" where it has none).

    `counts` says how often the store's own view of the world counts it.
    """

    hash: str
    chain: bytes | None
    verdict: str
    counts: int = 1


class Store(msgspec.Struct, frozen=True):
    """What the store holds at one moment, in the order kept; a name that stands twice is listed twice."""

    epoch: str
    rows: tuple[tuple[Name, Held], ...]


class Checker:
    """Takes what is observed in its order; `findings` are the invariants that did not hold so far."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.shown: dict[Name, set[str]] = {}
        self.looks = 0
        self._epoch = ""
        self._held: dict[Name, frozenset[str]] = {}
        self._final: dict[str, str] = {}
        self._told: dict[tuple[str, str], str] = {}

    def _find(self, invariant: str, where: str) -> None:
        self.findings.append(Finding(invariant, where))

    # -- what is observed -----------------------------------------------------
    def show(self, log: str, seq: int, hash_: str) -> None:
        """Somebody was shown this event as recorded."""
        self.shown.setdefault((log, seq), set()).add(hash_)

    def look(
        self,
        store: Store,
        outbox: Mapping[Name, frozenset[str]],
        *,
        lost: Iterable[Name] = (),
        gone: Iterable[str] = (),
    ) -> None:
        """The store holds this now, and these events wait on devices.

        `lost` were declared so by a manager; `gone` are hashes of what went down with a store that was restored, and
        nobody else was to hold.
        """
        self.looks += 1
        if store.epoch != self._epoch:  # a restore: what it held before, and said of it, is no promise any more
            self._epoch, self._held, self._final = store.epoch, {}, {}
        held: dict[Name, set[str]] = {}
        for name, row in store.rows:
            if row.hash in held.setdefault(name, set()):
                self._find(ONCE, f"{name} is held twice")
            held[name].add(row.hash)
            if row.counts > 1 or (row.verdict == "applied" and row.counts != 1):
                self._find(ONCE, f"{name} counts {row.counts} times")
            self._judge(name, row)
        for name, before in self._held.items():
            if dropped := before - held.get(name, set()):
                self._find(BESIDE, f"{name} no longer holds {sorted(dropped)}")
        self._held = {name: frozenset(hashes) for name, hashes in held.items()}
        excused, went_down = set(lost), set(gone)
        for name, shown in self.shown.items():
            nowhere = shown - held.get(name, set()) - outbox.get(name, frozenset()) - went_down
            if nowhere and name not in excused:
                self._find(KEPT, f"{name} {sorted(nowhere)}")

    def _judge(self, name: Name, row: Held) -> None:
        if not row.verdict:
            self._find(JUDGED, f"{name} has no verdict")
        before = self._final.get(row.hash)
        if before and row.verdict != before:
            self._find(JUDGED, f"{name} was {before}, is {row.verdict}")
        if row.verdict in FINAL:
            self._final[row.hash] = row.verdict

    def receipt(self, store: Store, log: str, epoch: str, through: int, head: str) -> None:
        """The store gave this receipt while it held, durably, what `store` says."""
        if epoch != store.epoch:
            self._find(TRUE, f"a receipt of epoch {epoch} in epoch {store.epoch}")
        chains = chains_of(log, store)
        if through not in chains:
            self._find(CHAINED, f"{log} through {through}: not stored and chained")
        elif unb64(head) not in chains[through]:
            self._find(TRUE, f"{log} through {through}: the head is of nothing that is held")

    def answered(self, store: Store, log: str, verdicts: Mapping[int, str]) -> None:
        """The store answered with these verdicts (by seq) while it kept those in `store`."""
        kept: dict[int, set[str]] = {}
        for (name, seq), row in store.rows:
            if name == log:
                kept.setdefault(seq, set()).add(row.verdict)
        for seq, word in verdicts.items():
            if word not in kept.get(seq, set()):
                self._find(JUDGED, f"{log}:{seq} was told {word}, kept is {sorted(kept.get(seq, set()))}")

    def told(self, device: str, verdicts: Mapping[str, str]) -> None:
        """A device shows these verdicts (by hash) on its own events."""
        for hash_, word in verdicts.items():
            before = self._told.get((device, hash_))
            if before in FINAL and word != before:
                self._find(JUDGED, f"{device} showed {before} for {hash_}, shows {word}")
            self._told[device, hash_] = word

    def caught_up(self, device: str, holds: frozenset[str], wanted: frozenset[str]) -> None:
        """A device that pulled all there was holds these hashes, and should hold those."""
        if missing := wanted - holds:
            self._find(WHOLE, f"{device} was never given {sorted(missing)[:3]}")

    def healed(self, outbox: Mapping[Name, frozenset[str]], needs_you: Iterable[str] = ()) -> None:
        """No fault is at work any more and everybody had the time to sync; devices in `needs_you` say what rests."""
        if outbox and not list(needs_you):
            self._find(EMPTIED, f"{len(outbox)} wait, the first is {min(outbox)}")


def chains_of(log: str, store: Store) -> dict[int, frozenset[bytes]]:
    """By seq the chain values that are kept there and that follow, event by event, from the beginning of the log."""
    rows: dict[int, list[Held]] = {}
    for (name, seq), row in store.rows:
        if name == log:
            rows.setdefault(seq, []).append(row)
    found = {0: frozenset({chain_start(log)})}
    seq = 1
    while seq in rows:
        before = found[seq - 1]
        after = {advance(chain, unb64(row.hash)) for row in rows[seq] for chain in before}
        kept = frozenset(row.chain for row in rows[seq] if row.chain is not None) & after
        if not kept:
            break
        found[seq] = kept
        seq += 1
    return found


def texts(chains: Mapping[int, frozenset[bytes]]) -> dict[int, frozenset[str]]:
    """Chain values as the wire writes them."""
    return {seq: frozenset(map(b64, values)) for seq, values in chains.items()}
