"""What a day came to: the facts that the demo prints and gives as JSON, all counted from what was recorded."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from sync.clock import rfc3339
from sync.payload import ELEMENTS
from sync.visits import DAY_MS
from trial.acts import Arrive, Refuse, Resolve, Signal
from trial.engine import Replayed
from trial.expectation import Difference
from trial.invariants import LOST, TWICE, Invariant
from trial.outcome import View
from trial.past import Past
from trial.reading import Play

_IMPORTED = "imported; nobody has taken it from the desk"


class JobFact(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for a job now, since when and by which step."""

    job: str
    what: str
    site: str
    party: str
    since: str
    by: str
    state: str


class ElementFact(msgspec.Struct, frozen=True, kw_only=True):
    """In how many of the accepted handovers an element was said, was a declared gap, or was missing."""

    present: int = 0
    declared_gap: int = 0
    missing: int = 0


class ContestFact(msgspec.Struct, frozen=True, kw_only=True):
    """What was contested, whom it touched, and how it ended."""

    job: str
    parties: tuple[str, ...]
    state: str
    ended: str


class SignalFact(msgspec.Struct, frozen=True, kw_only=True):
    """What the signals say of a visit: corroborated, partial, none or contradicted."""

    visit: str
    person: str
    site: str
    label: str


class HandoverFact(msgspec.Struct, frozen=True, kw_only=True):
    """How many handovers there were, and how they went."""

    offered: int
    accepted: int
    confirmed: int
    by_codes: int
    remote: int
    guests: int
    refusals: int
    withdrawn: int
    reserved: int
    lapsed: int
    escalated: int
    contested: int


class Avoided(msgspec.Struct, frozen=True, kw_only=True):
    """Repeat visits avoided in the history: the estimate with its 95 % interval, beside what is known to be true.

    `at_the_check` is the part inside the estimate that entries of the ledger explain, with the truth of that part.
    `immature` visits are not counted: their window is not known to be over. `covered` says if the truth is inside.
    """

    estimate: float
    low: float
    high: float
    truth: int
    covered: bool
    grade: str
    state: str
    at_the_check: float
    at_the_check_truth: int
    sentence: str
    visits: int
    counted: int
    immature: int
    immature_days: int
    sites: int
    never_live: int
    seed: int


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """With what somebody of this role signs in at the office's pages."""

    role: str
    person: str
    password: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A backend that stays up: its address and folder, and ways in.

    `token` is for the API, `enrolment` the one-time code of a device that records for a technician.
    """

    address: str
    directory: str
    token: str
    sign_ins: tuple[SignIn, ...]
    device: str
    enrolment: str


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the demo found out. `held` is what its exit code says."""

    name: str
    held: bool
    seconds: float
    accountable: tuple[JobFact, ...]
    handovers: HandoverFact
    completeness: dict[str, ElementFact]
    contested: tuple[ContestFact, ...]
    signals: tuple[SignalFact, ...]
    merged: tuple[str, ...]
    gaps: dict[str, str]
    avoided: Avoided
    invariants: dict[str, Invariant]
    differences: tuple[Difference, ...]
    steps: int
    recorded: int
    sent: int
    resent: int
    killed: int
    lost: int
    applied_twice: int
    messages: int
    pictures: int
    broker: str
    planted: str = ""
    kept: Kept | None = None


def demo_facts(
    play: Play, played: Replayed, invariants: Mapping[str, Invariant], past: Past, seconds: float, planted: str
) -> Demo:
    """The facts of a day that was played and looked at, and of the history before it."""
    everything = played.views["all"]
    links = played.totals.links
    return Demo(
        name=play.scenario.name,
        held=played.held and all(one.held for one in invariants.values()),
        seconds=round(seconds, 1),
        accountable=tuple(_job(play, everything, name) for name in everything.accountable),
        handovers=_handovers(play, played),
        completeness=_completeness(everything),
        contested=tuple(_contest(play, everything, basis) for basis in everything.cases),
        signals=tuple(_signal(play, visit, label) for visit, label in everything.corroboration.items()),
        merged=_merged(play),
        gaps={check: became for checks in everything.checks.values() for check, became in checks.items() if became},
        avoided=avoided_facts(past),
        invariants=dict(invariants),
        differences=played.differences,
        steps=len(played.steps),
        recorded=played.recorded,
        sent=links.events_sent,
        resent=links.resent,
        killed=played.totals.killed,
        lost=invariants[LOST].breaches,
        applied_twice=invariants[TWICE].breaches,
        messages=sum(isinstance(timed.step, Signal) for timed in play.steps),
        pictures=sum(step.pictures for step in played.steps),
        broker="amqtt, in this process: for trials only; it never sends again what was not acknowledged",
        planted=planted,
    )


def _job(play: Play, view: View, name: str) -> JobFact:
    order = play.scenario.orders.get(name)
    site = (order.site if order else None) or ""
    since = view.since.get(name, "")
    steps = {timed.step.id: timed.step.about for timed in play.steps} | dict.fromkeys(play.scenario.orders, _IMPORTED)
    return JobFact(
        job=name,
        what=order.intent if order else "",
        site=play.scenario.sites[site].name or site if site in play.scenario.sites else site,
        party=_called(play, view.accountable[name] or ""),
        since=rfc3339(view.since_ms[name]) if name in view.since_ms else "",
        by=steps.get(since) or since,
        state=view.jobs[name].state if name in view.jobs else "",
    )


def _called(play: Play, party: str) -> str:
    """What a party is called, as the office writes it."""
    person = play.scenario.people.get(party)
    return person.name or party if person else party


def _handovers(play: Play, played: Replayed) -> HandoverFact:
    found = list(played.views["all"].handovers.values())
    refused = {timed.step.id for timed in play.steps if isinstance(timed.step, Refuse)}
    met = Counter(one.met for one in found if one.met)
    return HandoverFact(
        offered=len(found),
        accepted=sum(bool(one.met) for one in found),
        confirmed=sum(one.confirmed for one in found),
        by_codes=met["met"],
        remote=met["remote"],
        guests=met["guest"],
        refusals=sum(step.id in refused and step.outcome == "recorded" for step in played.steps),
        withdrawn=sum(one.state == "withdrawn" for one in found),
        reserved=sum(one.reserved for one in found),
        lapsed=sum(one.lapsed for one in found),
        escalated=sum(one.escalated for one in found),
        contested=sum(one.state == "contested" for one in found),
    )


def _completeness(view: View) -> dict[str, ElementFact]:
    """Over the handovers that were accepted: what nobody accepted was handed over to nobody."""
    accepted = [view.completeness[name] for name, one in view.handovers.items() if one.met]
    counts = {element: Counter(one[element] for one in accepted) for element in ELEMENTS}
    return {
        element: ElementFact(present=count["present"], declared_gap=count["declared gap"], missing=count["missing"])
        for element, count in counts.items()
    }


def _contest(play: Play, view: View, basis: str) -> ContestFact:
    case = view.cases[basis]
    ends = [timed.step for timed in play.steps if isinstance(timed.step, Resolve) and timed.step.basis == basis]
    end = ends[-1] if ends else None
    party = _called(play, view.accountable.get(case.job) or "")
    return ContestFact(
        job=case.job,
        parties=tuple(_called(play, one) for one in case.parties),
        state=case.state,
        ended=f"settled for {party}: {end.reason}" if end else "still open",
    )


def _signal(play: Play, visit: str, label: str) -> SignalFact:
    timed = next(one for one in play.steps if one.step.id == visit)
    order = play.scenario.orders.get(timed.step.job) if isinstance(timed.step, Arrive) else None
    site = order.site if order and order.site else ""
    name = play.scenario.sites[site].name if site else ""
    return SignalFact(visit=visit, person=_called(play, timed.by), site=name or site, label=label)


def _merged(play: Play) -> tuple[str, ...]:
    return tuple(timed.step.about for timed in play.steps if str(timed.step.__struct_config__.tag) == "merge")


def avoided_facts(past: Past) -> Avoided:
    """The product's report of the history beside its known truth."""
    said: dict[str, Any] = past.report
    return Avoided(
        estimate=said["estimate"],
        low=said["low"],
        high=said["high"],
        truth=past.truth.total,
        covered=said["low"] <= past.truth.total <= said["high"],
        grade=said["grade"],
        state=said["state"],
        at_the_check=said["itemised"],
        at_the_check_truth=past.truth.at_the_check,
        sentence=said["sentence"],
        visits=past.visits,
        counted=said["visits"],
        immature=said["counts"]["immature"],
        immature_days=round((said["manifest"]["as_of_ms"] - said["counts"]["mature_until_ms"]) / DAY_MS),
        sites=past.sites,
        never_live=past.never_live,
        seed=past.seed,
    )
