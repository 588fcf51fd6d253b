"""The checker, tried on a store that is right by construction and on stores that are wrong in one way each."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.ids import b64, digest, unb64
from sync.ledger import advance, chain_start
from tests.proving import checker as check
from tests.proving.checker import Checker, Held, Name, Store

LOGS = tuple(b64(digest(name.encode())[:16]) for name in ("a", "b"))


class Trivial:
    """A dictionary that is written before anything is said of it: right by construction."""

    def __init__(self) -> None:
        self.rows: list[tuple[Name, str, str]] = []

    def put(self, name: Name, hash_: str) -> None:
        if (name, hash_) not in [row[:2] for row in self.rows]:
            self.rows.append((name, hash_, "applied"))

    def through(self, log: str) -> int:
        held = {seq for (other, seq), _, _ in self.rows if other == log}
        return next(seq for seq in range(1, len(held) + 2) if seq not in held) - 1

    def verdict(self, word: str) -> str:
        return word

    def after(self, position: int) -> list[str]:
        return [hash_ for _, hash_, _ in self.rows[position:]]

    def store(self) -> Store:
        chains: dict[str, bytes] = {}
        found = []
        for name, hash_, word in self.rows:
            before = chains.get(name[0], chain_start(name[0]))
            chain = advance(before, digest(hash_.encode()) if len(hash_) != 43 else _raw(hash_))
            chains[name[0]] = chain
            found.append((name, Held(hash_, chain, self.verdict(word))))
        return Store("e", tuple(found))

    def head(self, log: str, through: int) -> str:
        chain = chain_start(log)
        for (other, seq), hash_, _ in self.rows:
            if other == log and seq <= through:
                chain = advance(chain, _raw(hash_))
        return b64(chain)


def _raw(hash_: str) -> bytes:
    return digest(hash_.encode()) if len(hash_) != 43 else unb64(hash_)


class Forgetful(Trivial):
    """Loses what it said it holds."""

    def store(self) -> Store:
        full = super().store()
        return Store(full.epoch, full.rows[: max(len(full.rows) - 1, 3)])


class Doubling(Trivial):
    """Has no unique key."""

    def put(self, name: Name, hash_: str) -> None:
        self.rows.append((name, hash_, "applied"))


class Overwriting(Trivial):
    """Puts other bytes in the place of what it held."""

    def put(self, name: Name, hash_: str) -> None:
        self.rows = [row for row in self.rows if row[0] != name]
        super().put(name, hash_)


class Boasting(Trivial):
    """Says more than it holds."""

    def through(self, log: str) -> int:
        return super().through(log) + 1


class Misheaded(Trivial):
    """Signs for another chain."""

    def head(self, log: str, through: int) -> str:
        return b64(digest(f"another {log} {through}".encode()))


class Fickle(Trivial):
    """Takes a verdict back."""

    turns = 0

    def verdict(self, word: str) -> str:
        self.turns += 1
        return word if self.turns < 12 else "refused"


class Silent(Trivial):
    """Judges nothing."""

    def verdict(self, word: str) -> str:
        return word[:0]


class Skipping(Trivial):
    """Leaves a committed row out of what it gives."""

    def after(self, position: int) -> list[str]:
        return super().after(position)[1:]


def history(store: Trivial, drawn: list[tuple[int, int, bool]]) -> Checker:
    """Two devices record, send, send again, and pull; a clone of one goes on with other bytes."""
    looks = Checker()
    seqs = dict.fromkeys(LOGS, 0)
    pulled: set[str] = set()
    position = 0
    outbox: dict[Name, frozenset[str]] = {}
    for which, deed, again in drawn:
        log = LOGS[which]
        if deed < 2:
            seqs[log] += 1
            name = (log, seqs[log])
            hash_ = b64(digest(f"{name}".encode()))
            looks.show(*name, hash_)
            outbox[name] = frozenset({hash_})
        for name in [one for one in outbox if one[0] == log] if deed == 2 else ():
            for hash_ in outbox.pop(name):
                for _ in range(1 + again):
                    store.put(name, hash_)
            looks.receipt(store.store(), log, "e", store.through(log), store.head(log, store.through(log)))
        if deed == 3:
            given_ = store.after(position)
            position += len(given_)
            pulled.update(given_)
        looks.look(store.store(), outbox)
    for name in list(outbox):
        for hash_ in outbox.pop(name):
            store.put(name, hash_)
    pulled.update(store.after(position))
    looks.look(store.store(), outbox)
    looks.caught_up("tablet", frozenset(pulled), frozenset(row.hash for _, row in store.store().rows))
    looks.healed(outbox)
    return looks


deeds = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3), st.booleans()), max_size=40)
BUSY = [(0, 0, False), (1, 0, False), (0, 2, True), (1, 2, False), (0, 3, False), (0, 1, False), (0, 0, False)] * 3


@given(deeds)
def test_a_store_that_is_right_by_construction_has_no_findings(drawn: list[tuple[int, int, bool]]) -> None:
    assert history(Trivial(), drawn).findings == []


@pytest.mark.parametrize(
    ("store", "invariant"),
    [
        (Forgetful, check.KEPT),
        (Doubling, check.ONCE),
        (Boasting, check.CHAINED),
        (Misheaded, check.TRUE),
        (Fickle, check.JUDGED),
        (Silent, check.JUDGED),
        (Skipping, check.WHOLE),
    ],
)
def test_a_store_that_is_wrong_is_found_by_the_invariant_it_breaks(
    store: Callable[[], Trivial], invariant: str
) -> None:
    assert invariant in {finding.invariant for finding in history(store(), BUSY).findings}


def test_other_bytes_in_the_place_of_what_is_held_are_found() -> None:
    for store, wanted in ((Trivial(), False), (Overwriting(), True)):
        looks = Checker()
        for content in (b"one", b"two"):
            store.put((LOGS[0], 1), b64(digest(content)))
            looks.look(store.store(), {})
        assert (check.BESIDE in {finding.invariant for finding in looks.findings}) is wanted


def test_an_outbox_that_never_empties_is_found() -> None:
    looks = Checker()
    looks.healed({(LOGS[0], 1): frozenset({"x"})})
    assert [finding.invariant for finding in looks.findings] == [check.EMPTIED]
