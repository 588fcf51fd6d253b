"""Who is accountable: the walk over the custody tree, against the protocol's text read literally."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.custody import Custody, custody
from sync.standing import Standing
from tests.sync.cast import DESKS, LOGS, Step, Told, applied, judged, shelf, tell
from tests.sync.folding import folded, made, said_of, steps, words
from tests.sync.histories import histories, history, rngs
from tests.sync.oracle import Reading, reading

MANY = 1_000
RNG = rngs()
TEN_YEARS_MS = 10 * 366 * 86_400_000

ROOT = Step(id="r", kind="opened", log="anna's", actor="anna", party="anna")
OFFER = Step(id="o", kind="offered", log="anna's", actor="anna", basis="r", sender="anna", to=("bo", "cem"))
BO = Step(id="a", kind="accepted", log="bo's", actor="bo", offer="o", party="bo")
CEM = Step(id="b", kind="accepted", log="cem's", actor="cem", offer="o", party="cem")
WITHDRAWN = Step(id="w", kind="withdrawn", log="anna's", actor="anna", offer="o", sender="anna")
RESOLVED = Step(id="s", kind="resolved", log=DESKS[0], actor="desk", basis="r", cites=("a", "b"), chosen="b")


def tree(told: Told) -> Custody:
    return custody(applied(judged(told.events.values())))


# -- the oracle ---------------------------------------------------------------
@given(histories())
def test_the_fold_says_what_the_protocol_says(history: list[Step]) -> None:
    assert folded(tell(history)) == reading(history)


@pytest.mark.parametrize("part", range(4))
def test_the_fold_says_what_the_protocol_says_of_many_long_histories(part: int) -> None:
    for seed in range(part * MANY, (part + 1) * MANY):
        rng = Random(seed)
        long = history(rng, rng.randint(8, 30))
        assert folded(tell(long)) == reading(long), f"seed {seed}"


@given(histories(), RNG)
def test_it_says_so_of_any_part_of_a_history(history: list[Step], rng: Random) -> None:
    share = rng.choice((0.5, 0.8, 0.95))
    part = [step for step in history if rng.random() < share]
    told = tell(history)
    arrived = [step.id for step in part]
    rng.shuffle(arrived)
    assert folded(told, arrived) == reading(part, history)


# -- I7, I2: a set, not a sequence --------------------------------------------
@given(histories(), RNG)
def test_no_order_of_arrival_changes_a_verdict_the_fold_or_a_case(history: list[Step], rng: Random) -> None:
    told = tell(history)
    order = list(told.events)
    as_told = judged(told.some(order))
    rng.shuffle(order)
    shuffled = judged(told.some(order))
    assert words(told, as_told) == words(told, shuffled)
    assert custody(applied(as_told)).cases == custody(applied(shuffled)).cases
    assert said_of(told, as_told) == said_of(told, shuffled)


@given(histories(), RNG)
def test_the_fold_reads_judged_events_in_any_order(history: list[Step], rng: Random) -> None:
    standings = applied(judged(tell(history).events.values()))
    first = custody(standings)
    again = [*standings, *rng.choices(standings, k=3)] if standings else []
    rng.shuffle(again)
    second = custody(again)
    assert (first.accountable, first.since, first.cases) == (second.accountable, second.since, second.cases)
    assert [node.key for node in first.path] == [node.key for node in second.path]
    assert first.contested == second.contested


@given(histories(), RNG)
def test_sent_again_in_any_pieces_it_comes_to_the_same(history: list[Step], rng: Random) -> None:
    told = tell(history)
    once = judged(told.events.values())
    sent = [id_ for id_ in told.events for _ in range(rng.randint(1, 3))]
    rng.shuffle(sent)
    again = shelf()
    while sent:
        size = rng.randint(1, len(sent))
        judged(told.some(sent[:size]), on=again)
        sent = sent[size:]
    assert words(told, again) == words(told, once)
    assert said_of(told, again) == said_of(told, once)


@given(histories(), RNG)
def test_a_verdict_that_is_final_stays(history: list[Step], rng: Random) -> None:
    told = tell(history)
    order = list(told.events)
    rng.shuffle(order)
    growing = shelf()
    final: dict[str, tuple[str, str]] = {}
    for id_ in order:
        judged(told.some([id_]), on=growing)
        now = words(told, growing)
        assert {one: now[one] for one in final} == final
        final = {one: word for one, word in now.items() if word[0] in ("applied", "refused")}


@given(histories(), RNG)
def test_of_a_torn_set_too_the_fold_names_somebody_who_was_told(history: list[Step], rng: Random) -> None:
    whole = applied(judged(tell(history).events.values()))
    torn = [one for one in whole if rng.random() < 0.7]
    parties = {one.node.party for one in torn if one.node}
    found = custody(torn)
    assert found.accountable in parties | {""}
    assert bool(found.accountable) == any(one.event.kind == "job.opened" for one in torn)


# -- I8: exactly one, and never silently --------------------------------------
@given(histories(), RNG)
def test_at_every_prefix_exactly_one_party_is_accountable(history: list[Step], rng: Random) -> None:
    told = tell(history)
    order = list(told.events)
    if rng.random() < 0.5:
        rng.shuffle(order)
    parties = {step.party for step in history if step.party}
    growing = shelf()
    root = history[0]
    for id_ in order:
        judged(told.some([id_]), on=growing)
        said = said_of(told, growing)
        if root.id in said.applied:
            assert said.accountable in parties
            assert said.path[0] == {root.id}
        else:
            assert not said.accountable
            assert not said.path


@given(histories(), RNG)
def test_a_contest_is_passed_only_on_somebodys_word(history: list[Step], rng: Random) -> None:
    part = history[: rng.randint(1, len(history))]
    said = folded(tell(part))
    counts = [step for step in part if step.id in said.applied]
    text = Reading(part)
    for node, onward in zip(said.path, said.path[1:], strict=False):
        basis = next(iter(node))
        if not text.is_contested(basis):
            continue
        resolved = any(step.kind == "resolved" and step.basis in node for step in counts)
        reassigned = any(step.kind == "reassigned" and step.id in onward for step in counts)
        confirmed = any(step.kind == "confirmed" and step.accepted in onward for step in counts)
        assert resolved or reassigned or confirmed


# -- I9: what opens a case ----------------------------------------------------
@given(histories())
def test_acceptances_for_different_parties_under_one_basis_always_open_a_case(history: list[Step]) -> None:
    said = folded(tell(history))
    offers = {step.id: step for step in history}
    cases = {id_ for case in said.cases for id_ in case.node}
    accepted = [step for step in history if step.kind == "accepted" and step.id in said.applied]
    for one in accepted:
        for other in accepted:
            if offers[one.offer].basis == offers[other.offer].basis and one.party != other.party:
                assert offers[one.offer].basis in cases


@given(histories())
def test_an_acceptance_whose_every_offer_is_withdrawn_always_opens_a_case(history: list[Step]) -> None:
    said = folded(tell(history))
    told = {step.id: step for step in history}
    withdrawn = {step.offer for step in history if step.kind == "withdrawn" and step.id in said.applied}
    cases = {id_ for case in said.cases for id_ in case.node}
    text = Reading(history)
    for node in text.nodes():
        answered = {told[id_].offer for id_ in node if told[id_].kind == "accepted"}
        if answered and answered <= withdrawn:
            assert text.basis_of(told[next(iter(node))]) in cases


@given(st.permutations(["bo", "cem", "dee", "eva"]), st.integers(2, 4))
def test_each_party_that_accepts_is_told_of_the_case(parties: list[str], count: int) -> None:
    offer = Step(id="o", kind="offered", log="anna's", actor="anna", basis="r", sender="anna", to=tuple(parties))
    answers = [
        Step(id=who, kind="accepted", log=f"{who}'s", actor=who, offer="o", party=who) for who in parties[:count]
    ]
    said = folded(tell([ROOT, offer, *answers]))
    (case,) = said.cases
    assert said.accountable == "anna"
    assert case.state == "open"
    assert case.parties == {"anna", *parties[:count]}


# -- I14: clocks --------------------------------------------------------------
@given(histories(), st.dictionaries(st.sampled_from(LOGS), st.integers(-TEN_YEARS_MS, TEN_YEARS_MS)))
def test_no_clock_moves_anybody(history: list[Step], shifts_ms: dict[str, int]) -> None:
    right, wrong = tell(history), tell(history, shifts_ms)
    as_told, shifted = judged(right.events.values()), judged(wrong.events.values())
    assert words(right, as_told) == words(wrong, shifted)
    assert said_of(right, as_told) == said_of(wrong, shifted)
    assert edges(right, applied(as_told)) == edges(wrong, applied(shifted))


def edges(told: Told, standings: list[Standing]) -> set[tuple[str, frozenset[str]]]:
    """Each step with the steps of the node it hangs on."""
    nodes = made(told, judged(told.events.values()))
    return {(told.ids[one.event.hash], nodes[one.under.key]) for one in standings if one.under}


# -- what is told of it -------------------------------------------------------
def test_without_its_root_a_job_has_nobody() -> None:
    empty = custody([])
    assert (empty.accountable, empty.at, empty.since, empty.path, empty.cases) == ("", None, None, (), ())


def test_accountable_since_the_earliest_of_its_acceptances() -> None:
    again = Step(id="a2", kind="accepted", log="bo's", actor="bo", offer="o", party="bo")
    told = tell([ROOT, OFFER, BO, again])
    assert tree(told).since == told.events["a"]
    late = tell([ROOT, OFFER, BO, again], {"bo's": TEN_YEARS_MS})
    assert tree(late).since == late.events["a"]


def test_every_acceptance_of_a_contest_is_marked_settled_or_not() -> None:
    for told in (tell([ROOT, OFFER, BO, CEM]), tell([ROOT, OFFER, BO, CEM, RESOLVED])):
        assert steps(told, tree(told).contested) == {"a", "b"}
    told = tell([ROOT, OFFER, BO])
    assert tree(told).contested == frozenset()


def test_a_case_says_what_it_is_about() -> None:
    told = tell([ROOT, OFFER, BO, CEM, WITHDRAWN, RESOLVED])
    (case,) = tree(told).cases
    assert case.basis == told.events["r"].hash
    assert steps(told, case.children) == {"a", "b"}
    assert steps(told, case.withdrawals) == {"w"}
    assert steps(told, case.resolutions) == {"s"}
    assert steps(told, case.unseen) == {"w"}
    assert (case.state, case.parties) == ("open", ("anna", "bo", "cem"))


def test_one_child_in_doubt_can_be_settled_with_what_puts_it_in_doubt() -> None:
    for kind in ("forked", "revoked"):
        doubt = Step(id="f", kind=kind, log=DESKS[1], actor="desk", basis="a", party="bo's")
        settled = Step(id="s", kind="resolved", log=DESKS[0], actor="desk", basis="r", cites=("a", "f"), party="eva")
        said = folded(tell([ROOT, OFFER, BO, doubt, settled]))
        (case,) = said.cases
        assert (said.accountable, case.state) == ("eva", "resolved")
        other = Step(id="f", kind=kind, log=DESKS[1], actor="desk", basis="o", party="anna's")
        assert folded(tell([ROOT, OFFER, BO, other, settled])).accountable == "bo"


def test_what_stands_before_a_fork_is_not_in_doubt() -> None:
    note = Step(id="n", kind="noted", log="bo's", actor="bo")
    doubt = Step(id="f", kind="forked", log=DESKS[1], actor="desk", basis="n", party="bo's")
    settled = Step(id="s", kind="resolved", log=DESKS[0], actor="desk", basis="r", cites=("a", "f"), party="eva")
    assert folded(tell([ROOT, OFFER, BO, note, doubt, settled])).accountable == "bo"
    assert folded(tell([ROOT, OFFER, note, BO, doubt, settled])).accountable == "eva"
