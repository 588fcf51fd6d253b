"""What a revoked key's events are worth: one function over what is named, in any order, decided by no clock."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import Moment
from sync.codec import read_event, write_event
from sync.events import DeviceRevoked, Draft, Event, Heads, NoteWritten, Withdrawn
from sync.ids import b64, digest
from sync.ledger import advance, chain_start
from sync.revocation import Reason, Revocation, promoted, quarantine, revocation, revoked, tree_inside, witnessed
from sync.seal import kid_of
from tests.sync.cast import REFERENCES, key, log_id

ANNA, BO = kid_of(key("anna's")), kid_of(key("bo's"))
LOG = log_id("anna's")
HASH = b64(digest(b"an offer"))


class Office:
    """What a backend holds, said plainly."""

    def __init__(self, *said: Revocation, promoted: frozenset[str] = frozenset(), by: tuple[str, ...] = ()) -> None:
        self._revocations = said
        self._promoted = promoted
        self._by = {hash_: frozenset(by) for hash_ in (NOTE.hash, WITHDRAWAL.hash)}

    def revocations(self, kid: str) -> list[Revocation]:
        """See `Held`."""
        return [one for one in self._revocations if one.kid == kid]

    def is_promoted(self, hash_: str) -> bool:
        """See `Held`."""
        return hash_ in self._promoted

    def witnessed_by(self, hash_: str) -> frozenset[str]:
        """See `Held`."""
        return self._by[hash_]


def _written(body: NoteWritten | Withdrawn, kind: str) -> Event:
    draft = Draft(kind=kind, actor="anna", body=body, job="A" * 22)
    raw = write_event(draft, log=LOG, seq=2, at=Moment(wall="2026-01-05T08:00:00Z", mono=1, boot="b"))
    return read_event(raw, ANNA)


NOTE = _written(NoteWritten(text="left at the gate"), "note.written")
WITHDRAWAL = _written(Withdrawn(roster=REFERENCES[1], offer=HASH, sender="anna"), "handover.withdrawn")
EVENTS = st.sampled_from([NOTE, WITHDRAWAL])
REASONS: st.SearchStrategy[Reason] = st.sampled_from(["left", "lost", "compromised"])


def _revoked(reason: Reason = "lost", *, kid: str = ANNA, judged: tuple[str, ...] = ()) -> Revocation:
    return Revocation(
        hash="r", kid=kid, reason=reason, heads={}, judged=frozenset(judged), suspect_log="", suspect_from=None
    )


@given(EVENTS, st.booleans())
def test_a_key_that_may_record_is_judged(event: Event, inside: bool) -> None:
    assert quarantine(event, ANNA, inside, Office(_revoked(kid=BO))) is None


@given(EVENTS, REASONS)
def test_what_no_revocation_names_is_put_aside_whatever_the_reason(event: Event, reason: Reason) -> None:
    verdict = quarantine(event, ANNA, False, Office(_revoked(reason)))
    assert verdict is not None
    assert (verdict.word, verdict.code) == ("quarantined", "quarantined")
    assert promoted(event.hash) in verdict.waits_for
    assert revoked(ANNA) in verdict.waits_for
    assert (witnessed(event.hash) in verdict.waits_for) is (event.kind == "handover.withdrawn")


@given(EVENTS, REASONS)
def test_what_is_inside_is_judged(event: Event, reason: Reason) -> None:
    assert quarantine(event, ANNA, True, Office(_revoked(reason))) is None


@given(EVENTS, st.permutations([_revoked("left"), _revoked("lost", judged=(NOTE.hash, WITHDRAWAL.hash)), _revoked()]))
def test_of_several_revocations_in_any_order_one_that_names_it_is_enough(
    event: Event, several: list[Revocation]
) -> None:
    assert quarantine(event, ANNA, False, Office(*several)) is None


@given(EVENTS, st.lists(st.builds(_revoked, REASONS, judged=st.sampled_from([(), (NOTE.hash,)])), min_size=1))
def test_a_further_revocation_never_puts_aside_what_was_judged(event: Event, several: list[Revocation]) -> None:
    for count in range(1, len(several)):
        if quarantine(event, ANNA, False, Office(*several[:count])) is None:
            assert quarantine(event, ANNA, False, Office(*several[: count + 1])) is None


@given(EVENTS, REASONS)
def test_a_promotion_lets_it_count_and_only_it(event: Event, reason: Reason) -> None:
    assert quarantine(event, ANNA, False, Office(_revoked(reason), promoted=frozenset({event.hash}))) is None
    assert quarantine(event, ANNA, False, Office(_revoked(reason), promoted=frozenset({HASH}))) is not None


@pytest.mark.parametrize("by", [(BO,), (ANNA, BO)])
def test_a_custody_event_that_somebody_else_witnessed_is_judged(by: tuple[str, ...]) -> None:
    assert quarantine(WITHDRAWAL, ANNA, False, Office(_revoked("compromised"), by=by)) is None


def test_nobody_is_his_own_witness_and_nothing_but_custody_is_witnessed() -> None:
    assert quarantine(WITHDRAWAL, ANNA, False, Office(_revoked(), by=(ANNA,))) is not None
    assert quarantine(NOTE, ANNA, False, Office(_revoked(), by=(BO,))) is not None


def test_a_revocation_is_read_with_every_head_of_a_log() -> None:
    heads = [b64(digest(bytes([at]))) for at in range(3)]
    body = DeviceRevoked(
        device="anna's",
        kid=ANNA,
        reason="compromised",
        logs=(Heads(log=LOG, heads=(heads[0],)), Heads(log=LOG, heads=(heads[1],)), Heads(log=log_id("bo's"))),
        judged=(HASH,),
        suspect_log=LOG,
        suspect_from=7,
    )
    assert revocation(HASH, body) == Revocation(
        hash=HASH,
        kid=ANNA,
        reason="compromised",
        heads={LOG: frozenset(heads[:2]), log_id("bo's"): frozenset()},
        judged=frozenset({HASH}),
        suspect_log=LOG,
        suspect_from=7,
    )


class Tree(msgspec.Struct):
    """A log that was continued several times: the chain values, and the one before each."""

    chains: list[bytes]
    parents: dict[bytes, bytes]


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Any tree of up to a dozen events below one start."""
    tree = Tree([chain_start(LOG)], {})
    for at in range(draw(st.integers(1, 12))):
        before = draw(st.sampled_from(tree.chains))
        chain = advance(before, digest(bytes([at])))
        tree.chains.append(chain)
        tree.parents[chain] = before
    return tree


def _is_before(tree: Tree, chain: bytes, head: bytes) -> bool:
    while head != chain:
        if head not in tree.parents:
            return False
        head = tree.parents[head]
    return True


@given(trees(), st.data())
def test_inside_is_just_what_lies_on_the_way_to_a_head(tree: Tree, data: st.DataObject) -> None:
    heads = data.draw(st.lists(st.sampled_from(tree.chains), unique=True))
    inside = tree_inside(frozenset(map(b64, heads)), tree.parents)
    assert inside == {chain for chain in tree.chains if any(_is_before(tree, chain, head) for head in heads)}


@given(trees(), st.data())
def test_heads_of_several_revocations_are_inside_together_as_each_alone(tree: Tree, data: st.DataObject) -> None:
    some = st.frozensets(st.sampled_from([b64(chain) for chain in tree.chains]))
    one, other = data.draw(some), data.draw(some)
    together = tree_inside(one | other, tree.parents)
    assert together == tree_inside(one, tree.parents) | tree_inside(other, tree.parents)


def test_a_head_that_is_not_held_brings_nothing_with_it() -> None:
    head = digest(b"elsewhere")
    assert tree_inside(frozenset({b64(head)}), {digest(b"a"): digest(b"b")}) == {head}
    assert tree_inside(frozenset(), {}) == frozenset()
