"""Histories nobody would write by hand: many parties, twins, withdrawals, the office twice, and people who may not.

`history(rng, size)` draws one; most steps are such as people take, some are not allowed, so that refusals and
what rests on them occur too. Hypothesis draws only the seed and the size: a shorter history of one seed is the
beginning of a longer one, so a failure shrinks by cutting its end off, and soon.
"""

from random import Random

from hypothesis import strategies as st

from tests.sync.cast import DESKS, GUESTS, NORTH, PEOPLE, ROLE, SHARED, SHARERS, TEAM, TECHNICIANS, Step
from tests.sync.oracle import Reading

NODES = ("opened", "accepted", "reassigned")


class Seeded(Random):
    """A generator that says by which seed it can be had again."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._seed = seed

    def __repr__(self) -> str:
        return f"Seeded({self._seed})"


def rngs() -> st.SearchStrategy[Random]:
    """Generators of every seed; Hypothesis does not look into what they draw."""
    return st.builds(Seeded, st.integers(0, 2**32 - 1))


def histories(most: int = 24) -> st.SearchStrategy[list[Step]]:
    """Histories of up to `most` steps, in an order in which they could have been recorded."""
    return st.builds(history, rngs(), st.integers(1, most))


def history(rng: Random, size: int) -> list[Step]:
    """One job's history of `size` steps."""
    author = Author(rng)
    author.open()
    while len(author.steps) < size:
        author.go_on()
    return author.steps


class Author:
    """Writes a history step by step; `steps` is what was written so far."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.steps: list[Step] = []

    def open(self) -> None:
        if self.rng.random() < 0.3:
            self._add("opened", log=self.rng.choice(DESKS), actor="desk", party=self.rng.choice((*PEOPLE, TEAM)))
        else:
            party = self.rng.choice((*TECHNICIANS, *TECHNICIANS, TEAM))
            actor, log = self._speaker(party)
            self._add("opened", log=log, actor=actor, party=party)

    def go_on(self) -> None:
        """One more step; what it answers is mostly something recent."""
        kinds = [self._offer] * 5
        if self._all("offered"):
            kinds += [self._accept] * 6 + [self._again, self._refuse, self._withdraw, self._withdraw]
        if self._all("accepted"):
            kinds += [self._confirm] * 2
        kinds += [self._reassign, self._note, self._close, self._doubt]
        if len(self._all("accepted", "reassigned")) > 1 or self._all("withdrawn"):
            kinds += [self._resolve] * 4
        self.rng.choice(kinds)()

    # -- what can be recorded -------------------------------------------------
    def _offer(self) -> None:
        basis = self._recent(self._nodes())
        party = basis.party if self.rng.random() < 0.93 else self.rng.choice(PEOPLE)
        wanted = self.rng.choices(
            (*TECHNICIANS, *TECHNICIANS, *NORTH, TEAM, ROLE, *GUESTS), k=self.rng.choice((1, 1, 1, 2, 3))
        )
        to = tuple(dict.fromkeys(one for one in wanted if one != party or self.rng.random() < 0.2)) or ("dee",)
        if party in GUESTS:
            actor, log = self._speaker(self.rng.choice(to))
        else:
            actor, log = self._speaker(party)
        self._add("offered", log=log, actor=actor, basis=basis.id, sender=party, to=to)

    def _accept(self) -> None:
        offer = self._recent(self._all("offered"))
        party = self._addressee(offer)
        if self.rng.random() < 0.05:
            party = self.rng.choice((*PEOPLE, ROLE))
        guest = party in GUESTS or offer.sender in GUESTS
        met = "guest" if guest else self.rng.choice(("met", "met", "met", "remote", "witnessed"))
        if self.rng.random() < 0.05:
            met = self.rng.choice(("met", "remote", "guest", "witnessed"))
        switched = ""
        actor, log = self._speaker(party)
        if met == "witnessed" or (met == "guest" and self.rng.random() < 0.1):
            actor, log = "desk", self.rng.choice(DESKS)
        elif met == "guest":
            actor, log = offer.actor, offer.log
        elif met == "met" and offer.log == SHARED and actor in SHARERS and self.rng.random() < 0.7:
            log = SHARED
            switched = self._add("switched", log=SHARED, actor=actor, sender=offer.actor, party=actor)
        self._add("accepted", log=log, actor=actor, offer=offer.id, party=party, met=met, switched=switched)

    def _again(self) -> None:
        accepted = self._all("accepted")
        if accepted:
            old = self.rng.choice(accepted)
            named = {"offer": old.offer, "party": old.party, "met": old.met, "switched": old.switched}
            self._add("accepted", log=old.log, actor=old.actor, **named)

    def _refuse(self) -> None:
        offer = self._recent(self._all("offered"))
        party = self._addressee(offer)
        actor, log = (offer.actor, offer.log) if party in GUESTS else self._speaker(party)
        self._add("refused", log=log, actor=actor, offer=offer.id, party=party)

    def _withdraw(self) -> None:
        offer = self._recent(self._all("offered"))
        sender = offer.sender if self.rng.random() < 0.93 else self.rng.choice(PEOPLE)
        self._add("withdrawn", log=offer.log, actor=offer.actor, offer=offer.id, sender=sender)

    def _confirm(self) -> None:
        accepted = self._recent(self._all("accepted"))
        offer = self._step(accepted.offer)
        if self.rng.random() < 0.05:
            offer = self._recent(self._all("offered"))
        self._add(
            "confirmed", log=offer.log, actor=offer.actor, offer=offer.id, accepted=accepted.id, sender=offer.sender
        )

    def _reassign(self) -> None:
        desk = self.rng.choice((*DESKS, *DESKS, *DESKS, "anna's"))
        basis = self._recent(self._nodes())
        self._add("reassigned", log=desk, actor="desk", basis=basis.id, party=self.rng.choice((*PEOPLE, TEAM)))

    def _resolve(self) -> None:
        reading = Reading(self.steps)
        nodes = self._nodes()
        contested = [one for one in nodes if reading.is_applied(one.id) and reading.is_contested(one.id)]
        if not contested and self.rng.random() < 0.9:
            return
        basis = self._recent(contested if contested and self.rng.random() < 0.95 else nodes)
        below = self._below(basis)
        if self.rng.random() < 0.9:
            below = [one for one in below if reading.is_applied(one.id)]
        share = self.rng.choice((0.5, 0.8, 1.0, 1.0, 1.0))
        cites = [one.id for one in below if self.rng.random() < share]
        cites += [one.id for one in self._all("forked", "revoked") if self.rng.random() < 0.3]
        earlier = [one for one in self._all("resolved") if one.basis == basis.id]
        replaces = tuple(one.id for one in earlier if self.rng.random() < 0.6)
        chosen, party = "", ""
        choices = [one.id for one in below if self._basis(one) == basis.id and one.kind in NODES and one.id in cites]
        choices += [one.id for one in earlier if one.party]
        if self.rng.random() < 0.1:
            choices = [one.id for one in below]
        if choices and self.rng.random() < 0.6:
            chosen = self.rng.choice(choices)
        else:
            party = self.rng.choice((basis.party, *PEOPLE, TEAM))
        named = {"basis": basis.id, "chosen": chosen, "party": party}
        self._add("resolved", log=self.rng.choice(DESKS), actor="desk", cites=tuple(cites), replaces=replaces, **named)

    def _note(self) -> None:
        actor, log = self._speaker(self.rng.choice(PEOPLE))
        self._add("noted", log=log, actor=actor)

    def _close(self) -> None:
        node = self._recent(self._nodes())
        actor, log = self._speaker(node.party)
        self._add("closed", log=log, actor=actor, basis=node.id)

    def _doubt(self) -> None:
        accepted = self._all("accepted")
        if accepted:
            kind = self.rng.choice(("forked", "revoked"))
            suspect = self.rng.choice(accepted)
            self._add(kind, log=self.rng.choice(DESKS), actor="desk", basis=suspect.id, party=suspect.log)

    # -- who and what ---------------------------------------------------------
    def _add(self, kind: str, **named: object) -> str:
        id_ = f"{kind}-{len(self.steps)}"
        roster = 2 if self.rng.random() < 0.15 else 1
        self.steps.append(Step(id=id_, kind=kind, roster=roster, **named))  # type: ignore[arg-type]  # as Step says
        return id_

    def _all(self, *kinds: str) -> list[Step]:
        return [one for one in self.steps if one.kind in kinds]

    def _nodes(self) -> list[Step]:
        return [one for one in self.steps if one.kind in NODES or (one.kind == "resolved" and one.party)]

    def _step(self, id_: str) -> Step:
        return next(one for one in self.steps if one.id == id_)

    def _recent(self, steps: list[Step]) -> Step:
        return self.rng.choice(steps[-3:] if self.rng.random() < 0.6 else steps)

    def _below(self, basis: Step) -> list[Step]:
        """Acceptances, reassignments and withdrawals that hang on this step, directly or further down."""
        found = {basis.id}
        below: list[Step] = []
        for one in self.steps:
            if self._basis(one) in found and one.kind in ("accepted", "reassigned", "withdrawn", "resolved"):
                below.append(one)
                found.add(one.id)
        return below

    def _basis(self, step: Step) -> str:
        return self._step(step.offer).basis if step.offer else step.basis

    def _addressee(self, offer: Step) -> str:
        to = self.rng.choice(offer.to)
        if to == ROLE:
            return self.rng.choice(TECHNICIANS)
        if to == TEAM and self.rng.random() < 0.5:
            return self.rng.choice((*NORTH, "dee"))
        return to

    def _speaker(self, party: str) -> tuple[str, str]:
        """Somebody who can speak for the party, and a log to say it in."""
        actor = party
        if party == TEAM:
            actor = self.rng.choice(NORTH)
        elif party not in PEOPLE:
            actor = self.rng.choice(TECHNICIANS)
        shared = actor in SHARERS and self.rng.random() < 0.2
        return actor, SHARED if shared else f"{actor}'s"
