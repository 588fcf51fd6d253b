"""Logs as hash chains: nothing is overwritten, what was continued twice is found, what is missing is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.ids import b64, digest
from sync.ledger import (
    Placed,
    advance,
    chain_start,
    check_head,
    first_break,
    is_hash,
    line_digest,
    missing_ranges,
    place,
    prev_of,
)
from sync.problems import BAD_HEADER, Problem
from tests.sync.histories import rngs

LOG = b64(bytes(range(16)))


def chains(raws: Sequence[bytes], start: bytes | None = None) -> list[bytes]:
    """Chain values before the first and after each of these events."""
    values = [start or chain_start(LOG)]
    for raw in raws:
        values.append(advance(values[-1], sha256(raw).digest()))
    return values


def kept(raws: Sequence[bytes]) -> list[tuple[int, bytes, bytes]]:
    """A log as a device keeps it: seq, bytes, chain value."""
    return [(seq, raw, chain) for seq, (raw, chain) in enumerate(zip(raws, chains(raws)[1:], strict=True), start=1)]


EVENTS = st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=12)


def test_a_chain_is_what_the_protocol_says() -> None:
    start = sha256(bytes(range(16))).digest()
    after = sha256(start + sha256(b"one").digest()).digest()
    assert chain_start(LOG) == start
    assert advance(start, sha256(b"one").digest()) == after
    assert prev_of(after) == b64(after[:16])


# -- I11: what was tampered with ----------------------------------------------
@given(EVENTS)
def test_a_whole_log_has_no_break(raws: list[bytes]) -> None:
    assert first_break(LOG, kept(raws)) is None


@given(EVENTS, st.data())
def test_a_changed_event_is_named(raws: list[bytes], data: st.DataObject) -> None:
    log = kept(raws)
    at = data.draw(st.integers(0, len(log) - 1))
    seq, raw, chain = log[at]
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")
    log[at] = (seq, changed, chain)
    assert first_break(LOG, log) == at + 1


@given(EVENTS, st.data())
def test_a_changed_chain_value_is_named(raws: list[bytes], data: st.DataObject) -> None:
    log = kept(raws)
    at = data.draw(st.integers(0, len(log) - 1))
    log[at] = (*log[at][:2], bytes(32))
    assert first_break(LOG, log) == at + 1


@given(EVENTS, st.data())
def test_a_dropped_event_is_named_even_if_the_rest_was_renumbered(raws: list[bytes], data: st.DataObject) -> None:
    log = kept(raws)
    at = data.draw(st.integers(0, len(log) - 1))
    rest = log[:at] + log[at + 1 :]
    renumbered = [(seq, raw, chain) for seq, (_, raw, chain) in enumerate(rest, start=1)]
    expected = at + 1 if at < len(rest) else None
    assert first_break(LOG, rest) == expected
    assert first_break(LOG, renumbered) == expected


@given(EVENTS, st.binary(max_size=6), st.data())
def test_an_inserted_event_is_named(raws: list[bytes], strange: bytes, data: st.DataObject) -> None:
    log = kept(raws)
    at = data.draw(st.integers(0, len(log)))
    put_in = [*log[:at], (at + 1, strange, data.draw(st.binary(min_size=32, max_size=32))), *log[at:]]
    renumbered = [(seq, raw, chain) for seq, (_, raw, chain) in enumerate(put_in, start=1)]
    assert first_break(LOG, put_in) == first_break(LOG, renumbered) == at + 1


@given(EVENTS, st.data())
def test_moved_events_are_named(raws: list[bytes], data: st.DataObject) -> None:
    log = kept(raws)
    one, other = sorted(data.draw(st.lists(st.integers(0, len(log) - 1), min_size=2, max_size=2)))
    log[one], log[other] = log[other], log[one]
    assert first_break(LOG, log) == (None if one == other else one + 1)


@given(EVENTS)
def test_the_log_of_another_breaks_at_once(raws: list[bytes]) -> None:
    assert first_break(b64(bytes(16)), kept(raws)) == 1


def test_an_empty_log_has_no_break() -> None:
    assert first_break(LOG, []) is None


@given(EVENTS, st.data())
def test_a_batch_leads_from_its_base_to_its_head(raws: list[bytes], data: st.DataObject) -> None:
    values = chains(raws)
    at = data.draw(st.integers(0, len(raws)))
    check_head(values[at], values[-1], raws[at:])
    with pytest.raises(Problem) as refused:
        check_head(values[at], bytes(32), raws[at:])
    assert refused.value.kind is BAD_HEADER


@given(st.integers(0, 5), st.sets(st.integers(1, 20)))
def test_what_is_missing_is_what_is_not_held_below_the_highest(through: int, above: set[int]) -> None:
    held = {through + one for one in above}
    told = missing_ranges(through, held)
    wanted = {seq for low, high in told for seq in range(low, high + 1)}
    assert wanted == set(range(through + 1, max(held, default=0))) - held
    assert all(low <= high for low, high in told)
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(told))


# -- I3, I4: what a backend holds of a log ------------------------------------
@dataclass
class Model:
    """What a backend keeps: bytes by seq as they came first, and by chain value or bytes what came beside them."""

    first: dict[int, tuple[bytes, bytes | None]] = field(default_factory=dict)
    beside: dict[int, dict[bytes, bytes | None]] = field(default_factory=dict)
    raws: dict[bytes, bytes] = field(default_factory=dict)
    pending: list[tuple[int, bytes, list[bytes]]] = field(default_factory=list)
    told_forked: set[int] = field(default_factory=set)

    def main(self, seq: int) -> tuple[bytes, bytes | None] | None:
        return self.first.get(seq)

    def forked(self, seq: int) -> frozenset[bytes]:
        return frozenset(chain for chain in self.beside.get(seq, {}).values() if chain is not None)

    def push(self, first: int, base: bytes, raws: list[bytes]) -> list[Placed]:
        placed = place(self, first, base, raws, LOG)
        for one in placed:
            self._keep(one)
        if placed[0].chain is None:
            self.pending.append((first, base, raws))
        while any(self._fit(waiting) for waiting in [*self.pending]):
            pass
        return placed

    def _fit(self, waiting: tuple[int, bytes, list[bytes]]) -> bool:
        again = place(self, *waiting, LOG)
        if again[0].chain is None:
            return False
        self.pending.remove(waiting)
        for one in again:
            self._keep(one)
        return True

    def _keep(self, one: Placed) -> None:
        self.raws[one.digest] = one.raw
        held = self.first.get(one.seq)
        if one.how == "forked" or (one.how == "duplicate" and (held is None or held[0] != one.digest)):
            others = self.beside.setdefault(one.seq, {})
            others[one.digest] = one.chain or others.get(one.digest)
            self.told_forked.add(one.seq)
        else:
            self.first[one.seq] = (one.digest, one.chain or (held[1] if held else None))

    def holds(self, seq: int, raw: bytes) -> bool:
        digest = sha256(raw).digest()
        kept_first = self.first.get(seq, (b"", None))[0] == digest
        return (kept_first or digest in self.beside.get(seq, {})) and self.raws[digest] == raw

    def received_through(self, head: Sequence[bytes]) -> int:
        """How far this branch (its chain values, from the start) is held and chained without a gap."""
        through = 0
        while through + 1 < len(head):
            chain = head[through + 1]
            held = self.first.get(through + 1, (b"", None))[1]
            if chain != held and chain not in self.forked(through + 1):
                break
            through += 1
        return through


Batch = tuple[int, bytes, list[bytes]]


def batches(raws: list[bytes], rng: Random, from_seq: int = 1) -> list[Batch]:
    """The log in consecutive pieces, as a device cuts it."""
    values = chains(raws)
    cut: list[Batch] = []
    at = from_seq - 1
    while at < len(raws):
        size = rng.randint(1, len(raws) - at)
        cut.append((at + 1, values[at], raws[at : at + size]))
        at += size
    return cut


def unlike(raws: list[bytes], mark: bytes) -> list[bytes]:
    """The same events as only this log could hold them: no two alike."""
    return [mark + bytes([place_]) + raw for place_, raw in enumerate(raws)]


RNG = rngs()


@given(EVENTS, RNG)
def test_one_log_sent_in_any_pieces_order_and_number_is_held_once(raws: list[bytes], rng: Random) -> None:
    raws = unlike(raws, b"a")
    model = Model()
    sent = [one for _ in range(rng.randint(1, 3)) for one in batches(raws, rng)]
    rng.shuffle(sent)
    for batch in sent:
        model.push(*batch)
    assert [model.first[seq][0] for seq in sorted(model.first)] == [sha256(raw).digest() for raw in raws]
    assert (model.beside, model.told_forked, model.pending) == ({}, set(), [])
    assert model.received_through(chains(raws)) == len(raws)


@given(EVENTS, RNG)
def test_received_through_k_means_1_to_k_are_held_and_chained(raws: list[bytes], rng: Random) -> None:
    raws = unlike(raws, b"a")
    values = chains(raws)
    model = Model()
    arrived: set[int] = set()
    sent = batches(raws, rng)
    rng.shuffle(sent)
    for first, base, part in sent:
        model.push(first, base, part)
        arrived |= set(range(first, first + len(part)))
        through = model.received_through(values)
        assert set(range(1, through + 1)) <= arrived
        assert through + 1 not in arrived
        assert all(model.first[seq][1] == values[seq] for seq in range(1, through + 1))
        wanted = {seq for low, high in missing_ranges(through, arrived) for seq in range(low, high + 1)}
        assert wanted == set(range(through + 1, max(arrived))) - arrived


@given(EVENTS, EVENTS, EVENTS, RNG)
def test_a_log_continued_twice_loses_nothing_and_is_found(
    trunk: list[bytes], one: list[bytes], other: list[bytes], rng: Random
) -> None:
    trunk = unlike(trunk, b"t")
    branches = [trunk + unlike(one, b"a"), trunk + unlike(other, b"b")]
    model = Model()
    sent = [batch for branch in branches for _ in range(rng.randint(1, 2)) for batch in batches(branch, rng)]
    rng.shuffle(sent)
    for first, base, part in sent:
        before = {seq: digest for seq, (digest, _) in model.first.items()}
        placed = model.push(first, base, part)
        assert all(model.first[seq][0] == digest for seq, digest in before.items())
        for told in placed:
            assert model.holds(told.seq, told.raw)
            if before.get(told.seq, told.digest) != told.digest:
                assert told.how == "forked" or told.chain in model.forked(told.seq)
    for branch in branches:
        assert all(model.holds(seq, raw) for seq, raw in enumerate(branch, start=1))
    both = set(range(len(trunk) + 1, len(trunk) + 1 + min(len(one), len(other))))
    assert both <= model.told_forked
    assert min(model.told_forked) > len(trunk)
    for branch in branches:
        assert model.received_through(chains(branch)) == len(branch)


def test_a_duplicate_is_told_as_one_and_a_second_content_as_a_fork() -> None:
    model = Model()
    start = chain_start(LOG)
    assert [one.how for one in model.push(1, start, [b"a", b"b"])] == ["new", "new"]
    assert [one.how for one in model.push(1, start, [b"a", b"b", b"c"])] == ["duplicate", "duplicate", "new"]
    assert [one.how for one in model.push(2, chains([b"a"])[-1], [b"B", b"C", b"D"])] == ["forked"] * 3
    assert [one.how for one in model.push(2, chains([b"a"])[-1], [b"B", b"C"])] == ["duplicate"] * 2
    assert [one.how for one in model.push(5, chains([b"a", b"B", b"C", b"D"])[-1], [b"E"])] == ["forked"]
    assert model.first.keys() == {1, 2, 3}


def test_what_hangs_after_a_gap_is_stored_without_a_chain() -> None:
    model = Model()
    raws = [b"a", b"b", b"c"]
    (last,) = model.push(3, chains(raws)[2], raws[2:])
    assert (last.how, last.chain) == ("new", None)
    assert [one.how for one in model.push(3, chains(raws)[2], raws[2:])] == ["duplicate"]
    assert [one.how for one in model.push(3, bytes(32), [b"C"])] == ["forked"]
    assert model.received_through(chains(raws)) == 0
    model.push(1, chain_start(LOG), raws[:2])
    assert model.received_through(chains(raws)) == 3


def test_the_same_bytes_on_two_branches_stand_on_both() -> None:
    model = Model()
    model.push(1, chain_start(LOG), [b"a", b"x", b"last"])
    model.push(1, chain_start(LOG), [b"b", b"x"])
    (onward,) = model.push(3, chains([b"b", b"x"])[-1], [b"other"])
    assert (onward.how, onward.chain) == ("forked", chains([b"b", b"x", b"other"])[-1])


def test_what_came_by_itself_is_held_once_on_whichever_branch_it_stands() -> None:
    model = Model()
    model.push(1, chain_start(LOG), [b"a", b"b"])
    model.first[3] = (sha256(b"witnessed").digest(), None)
    told = model.push(2, chains([b"a"])[-1], [b"B", b"witnessed", b"D"])
    assert [one.how for one in told] == ["forked", "duplicate", "forked"]
    assert model.beside.keys() == {2, 4}
    assert model.first[3][1] == chains([b"a", b"B", b"witnessed"])[-1]
    again = model.push(2, chains([b"a"])[-1], [b"B", b"witnessed", b"D"])
    assert [one.how for one in again] == ["duplicate"] * 3
    assert model.beside.keys() == {2, 4}


def test_a_line_of_a_redacted_event_stands_for_the_same_digest_as_its_bytes() -> None:
    raw = b'{"v":1}'
    line = b64(digest(raw)).encode()
    assert line_digest(raw) == line_digest(line) == digest(raw)
    assert is_hash(line)
    assert not is_hash(raw)


def test_what_is_held_is_a_duplicate_whatever_a_push_says_came_before_it() -> None:
    model = Model()
    model.push(1, chain_start(LOG), [b"a", b"b"])
    (told,) = model.push(2, digest(b"nobody knows"), [b"b"])
    assert (told.how, told.chain) == ("duplicate", None)


def test_a_push_of_hashes_leads_where_the_bytes_lead() -> None:
    raws = [b'{"v":1}', b'{"v":2}', b'{"v":3}']
    lines = [b64(digest(raw)).encode() for raw in raws]
    check_head(chain_start(LOG), chains(raws)[-1], lines)
    model = Model()
    model.push(1, chain_start(LOG), [raws[0], lines[1]])
    told = model.push(1, chain_start(LOG), [lines[0], *raws[1:]])
    assert [one.how for one in told] == ["duplicate", "duplicate", "new"]


@pytest.mark.parametrize("line", [b"", b"{" + b"x" * 42, b"!" * 43, b"\xff" * 43, b"B" * 43])
def test_a_line_that_is_no_hash_is_bytes_like_any_other(line: bytes) -> None:
    assert line_digest(line) == digest(line)
