"""The protocol's paragraphs on parties and the custody tree, read aloud: slow, literal, and about step ids only.

Nothing here is shared with the kernel, nor shaped like it: events stay in one heap, "the same node" is a
question asked of two of them, and every question is answered by going through the heap again. What the
kernel says of a history must be what this says.
"""

from collections.abc import Iterable, Sequence

import msgspec

from tests.sync.cast import DESKS, GUESTS, PEOPLE, SHARED, SHARERS, TEAM, Step, persons

CHILDREN = ("accepted", "reassigned")


class CaseSaid(msgspec.Struct, frozen=True):
    """A case in step ids; `node` holds every event that made the contested node."""

    node: frozenset[str]
    state: str
    parties: frozenset[str]
    children: frozenset[str]
    withdrawals: frozenset[str]
    below: frozenset[str]
    resolutions: frozenset[str]
    unseen: frozenset[str]


class Said(msgspec.Struct, frozen=True):
    """What a history comes to: applied steps, the nodes of the walk, who is accountable, the cases."""

    applied: frozenset[str]
    path: tuple[frozenset[str], ...]
    accountable: str
    cases: frozenset[CaseSaid]


def reading(steps: Iterable[Step], told: Sequence[Step] = ()) -> Said:
    """What the protocol says of exactly these steps, some of those told."""
    return Reading(list(steps), told).said()


class Reading:
    """One set of steps, asked about; `told` are all there ever were, in their logs' order."""

    def __init__(self, steps: Sequence[Step], told: Sequence[Step] = ()) -> None:
        self.told = {step.id: step for step in told or steps}
        self.held = {step.id: step for step in steps}
        self.job = next((step.id for step in steps if step.kind == "opened"), "")
        self.words: dict[str, str] = {}

    def said(self) -> Said:
        path = self.walk()
        return Said(
            applied=frozenset(id_ for id_ in self.held if self.is_applied(id_)),
            path=tuple(path),
            accountable=self.party_of(next(iter(path[-1]))) if path else "",
            cases=frozenset(self.case(node) for node in self.nodes() if self.has_case(node)),
        )

    # -- verdicts -------------------------------------------------------------
    def is_applied(self, id_: str) -> bool:
        return self.word(id_) == "applied"

    def word(self, id_: str) -> str:
        if id_ not in self.held:
            return "unknown"
        if id_ not in self.words:
            self.words[id_] = self.judge(self.held[id_])
        return self.words[id_]

    def judge(self, step: Step) -> str:
        """What names a refused one is refused; what names an unknown or parked one is parked."""
        named = [step.basis, step.offer, step.accepted, step.switched, step.chosen, *step.cites, *step.replaces]
        if step.kind not in ("opened", "switched", "forked", "revoked"):
            named.insert(0, self.job or "a job that nobody opened")
        if step.kind in ("forked", "revoked"):
            named = []
        words = {self.word(name) for name in named if name}
        if "refused" in words:
            return "refused"
        if words - {"applied"}:
            return "parked"
        return "applied" if self.may(step) else "refused"

    def may(self, step: Step) -> bool:
        """The rules, a sentence each."""
        match step.kind:
            case "opened":
                names_own = self.office(step) or self.acts_for(step, step.party, 0)
                return self.on_key(step) and self.is_known(step.party) and names_own
            case "offered":
                return self.may_offer(step)
            case "accepted":
                return self.may_accept(step)
            case "refused" | "withdrawn" | "confirmed":
                return self.may_answer(step)
            case "reassigned":
                return self.office(step) and self.makes_node(step.basis) and self.is_known(step.party)
            case "resolved":
                return self.office(step) and self.may_resolve(step)
            case "closed":
                return self.may_close(step)
            case "forked" | "revoked":
                return self.office(step)
            case _:
                return True

    def may_answer(self, step: Step) -> bool:
        """Who answers or takes back speaks for himself or his team; for a guest, the log that holds the offer."""
        offer = self.held[step.offer]
        if offer.kind != "offered" or not self.on_key(step):
            return False
        party = step.party or step.sender
        own = self.acts_for(step, party, self.newest(step)) or (party in GUESTS and step.log == offer.log)
        if step.kind == "refused":
            return self.addressed(step) and (own or self.office(step))
        if step.kind == "confirmed":
            answer = self.held[step.accepted]
            own = own and answer.kind == "accepted" and answer.offer == step.offer
        return own and step.sender == offer.sender

    def may_close(self, step: Step) -> bool:
        if not self.makes_node(step.basis):
            return False
        at = self.held[step.basis]
        belongs = self.belongs(step.actor, at.party, self.newest_of(step.basis))
        return self.office(step) or belongs or (at.met == "guest" and at.log == step.log)

    def may_offer(self, step: Step) -> bool:
        if not self.makes_node(step.basis) or step.sender != self.party_of(step.basis):
            return False
        version = self.newest(step)
        if step.sender in GUESTS:
            own = any(self.belongs(step.actor, to, version) for to in step.to)
        else:
            own = self.acts_for(step, step.sender, version)
        return self.on_key(step) and own and set(step.to) != {step.sender}

    def may_accept(self, step: Step) -> bool:
        if not self.addressed(step) or not self.on_key(step):
            return False
        offer = self.held[step.offer]
        guest = step.party in GUESTS or offer.sender in GUESTS
        own = self.acts_for(step, step.party, self.newest(step)) and not guest
        two_kids = step.log != offer.log
        match step.met:
            case "met":
                paired = own and (two_kids or self.passed_on(step, offer))
            case "remote":
                paired = own and (two_kids or self.office(step))
            case "guest" if step.party in GUESTS:
                paired = offer.sender not in GUESTS and (not two_kids or self.office(step))
            case "guest":
                hands_back = offer.sender in GUESTS and not two_kids
                paired = hands_back and self.acts_for(step, step.party, self.newest(step))
            case _:
                paired = self.office(step)
        same_actor = step.actor == offer.actor and step.met not in ("guest", "witnessed")
        return paired and step.party != offer.sender and not same_actor

    def may_resolve(self, step: Step) -> bool:
        if not self.makes_node(step.basis):
            return False
        if not all(self.resolves(self.held[id_], step.basis) for id_ in step.replaces):
            return False
        children = [self.held[id_] for id_ in step.cites if self.is_child(self.held[id_], step.basis)]
        contest = any(not self.same(one.id, other.id) for one in children for other in children)
        for cited in (self.held[id_] for id_ in step.cites):
            for child in children:
                contest |= cited.kind == "withdrawn" and child.kind == "accepted" and cited.offer == child.offer
                if cited.kind in ("forked", "revoked"):
                    contest |= self.doubts(cited, child)
        if not contest or bool(step.chosen) == bool(step.party):
            return False
        if step.party:
            return self.is_known(step.party) or step.party == self.party_of(step.basis)
        chosen = self.held[step.chosen]
        earlier = chosen.kind == "resolved" and self.resolves(chosen, step.basis) and bool(chosen.party)
        return earlier or any(self.makes_node(step.chosen) and self.same(step.chosen, child.id) for child in children)

    def doubts(self, cited: Step, child: Step) -> bool:
        suspect = self.told[cited.basis]
        if suspect.log != child.log:
            return False
        order = list(self.told)
        return order.index(child.id) >= order.index(suspect.id)

    # -- parties --------------------------------------------------------------
    def office(self, step: Step) -> bool:
        return step.log in DESKS

    def on_key(self, step: Step) -> bool:
        people = SHARERS if step.log == SHARED else (step.log.removesuffix("'s"),)
        return self.office(step) or step.actor in people

    def is_known(self, party: str) -> bool:
        return party in PEOPLE or party == TEAM

    def belongs(self, person: str, party: str, version: int) -> bool:
        who = persons(version or 1).get(person)
        roles = {f"role:{role}" for role in who.roles} if who else set()
        return person == party or (who is not None and party in {*who.teams, *roles})

    def acts_for(self, step: Step, party: str, version: int) -> bool:
        return not party.startswith("role:") and self.belongs(step.actor, party, version or step.roster)

    def addressed(self, step: Step) -> bool:
        offer = self.held[step.offer]
        if offer.kind != "offered" or step.party.startswith("role:"):
            return False
        return any(self.belongs(step.party, to, self.newest(step)) for to in offer.to)

    def newest(self, step: Step) -> int:
        """The newest roster that this event, or one on its way to the root, names."""
        before = step.basis or step.offer
        return max(step.roster, self.newest_of(before) if before else 0)

    def newest_of(self, id_: str) -> int:
        return self.newest(self.held[id_])

    def passed_on(self, step: Step, offer: Step) -> bool:
        switch = self.held.get(step.switched)
        if switch is None or switch.kind != "switched" or step.log != offer.log or switch.log != step.log:
            return False
        order = list(self.told)
        return switch.party == step.actor and order.index(offer.id) < order.index(switch.id) < order.index(step.id)

    # -- nodes ----------------------------------------------------------------
    def makes_node(self, id_: str) -> bool:
        step = self.held[id_]
        return step.kind in ("opened", *CHILDREN) or (step.kind == "resolved" and bool(step.party))

    def party_of(self, id_: str) -> str:
        return self.held[id_].party

    def basis_of(self, step: Step) -> str:
        return self.held[step.offer].basis if step.kind == "accepted" else step.basis

    def same(self, one: str, other: str) -> bool:
        """Acceptances under one node for one party are one node, whichever of them is named."""
        if one == other:
            return True
        left, right = self.held[one], self.held[other]
        if left.kind != "accepted" or right.kind != "accepted" or left.party != right.party:
            return False
        return self.same(self.basis_of(left), self.basis_of(right))

    def makers(self) -> list[str]:
        return [id_ for id_ in self.held if self.is_applied(id_) and self.makes_node(id_)]

    def node_of(self, id_: str) -> frozenset[str]:
        return frozenset(other for other in self.makers() if self.same(id_, other))

    def nodes(self) -> set[frozenset[str]]:
        return {self.node_of(id_) for id_ in self.makers()}

    def is_child(self, step: Step, basis: str) -> bool:
        return step.kind in CHILDREN and self.same(self.basis_of(step), basis)

    def resolves(self, step: Step, basis: str) -> bool:
        return step.kind == "resolved" and self.same(step.basis, basis)

    def children(self, basis: str) -> list[str]:
        return [id_ for id_ in self.makers() if self.is_child(self.held[id_], basis)]

    def resolutions(self, basis: str) -> list[Step]:
        return [step for step in self.held.values() if self.is_applied(step.id) and self.resolves(step, basis)]

    def standing(self, basis: str) -> list[Step]:
        everyone = self.resolutions(basis)
        return [one for one in everyone if not any(one.id in other.replaces for other in everyone)]

    def choice(self, resolution: Step) -> frozenset[str]:
        return self.node_of(resolution.chosen or resolution.id)

    def withdrawals_of(self, child: str) -> list[str]:
        offer = self.held[child].offer
        return [
            step.id
            for step in self.held.values()
            if step.kind == "withdrawn" and self.is_applied(step.id) and offer and step.offer == offer
        ]

    # -- the walk -------------------------------------------------------------
    def is_contested(self, basis: str) -> bool:
        children = self.children(basis)
        if any(not self.same(one, other) for one in children for other in children):
            return True
        return bool(children) and all(self.withdrawals_of(child) for child in children)

    def walk(self) -> list[frozenset[str]]:
        if not self.job or not self.is_applied(self.job):
            return []
        path = [self.node_of(self.job)]
        while (onward := self.onward(next(iter(path[-1])))) is not None:
            path.append(onward)
        return path

    def onward(self, basis: str) -> frozenset[str] | None:
        standing = self.standing(basis)
        if standing:
            choices = {self.choice(one) for one in standing}
            return choices.pop() if len(choices) == 1 else None
        children = {self.node_of(child) for child in self.children(basis)}
        reassigned = [child for child in children if any(self.held[id_].kind == "reassigned" for id_ in child)]
        if len(reassigned) == 1:
            return reassigned[0]
        if len(children) == 1 and not self.is_contested(basis):
            return next(iter(children))
        seen = {step.accepted for step in self.held.values() if step.kind == "confirmed" and self.is_applied(step.id)}
        confirmed = [child for child in children if child & seen]
        return confirmed[0] if len(confirmed) == 1 else None

    # -- cases ----------------------------------------------------------------
    def has_case(self, node: frozenset[str]) -> bool:
        basis = next(iter(node))
        return self.is_contested(basis) or bool(self.resolutions(basis))

    def branch(self, id_: str, basis: str) -> str | None:
        """Of a node somewhere below this basis: the child or resolution of the basis that leads to it."""
        while self.held[id_].kind != "opened":
            above = self.basis_of(self.held[id_])
            if self.same(above, basis):
                return id_
            id_ = above
        return None

    def case(self, node: frozenset[str]) -> CaseSaid:
        basis = next(iter(node))
        standing = self.standing(basis)
        choices = {self.choice(one) for one in standing}
        chosen = next(iter(choices)) if len(choices) == 1 else frozenset()
        seen = {id_ for one in standing for id_ in (*one.cites, *one.replaces)}
        withdrawals = {id_ for child in self.children(basis) for id_ in self.withdrawals_of(child)}
        below = {id_: self.branch(id_, basis) for id_ in self.makers()}
        lost = {id_ for id_, by in below.items() if by is not None and by not in chosen}
        unseen = (withdrawals | lost) - seen if chosen else set()
        return CaseSaid(
            node=node,
            state="resolved" if chosen and not unseen else "open",
            parties=frozenset({self.party_of(basis), *(self.party_of(id_) for id_, by in below.items() if by)}),
            children=frozenset(self.children(basis)),
            withdrawals=frozenset(withdrawals),
            below=frozenset(id_ for id_, by in below.items() if by),
            resolutions=frozenset(one.id for one in standing),
            unseen=frozenset(unseen),
        )
