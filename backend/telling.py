"""What is told of a handover: its outcome, and the sheet that print, page and plain text are made from."""

from collections.abc import Iterable
from typing import Final

from backend.attached import attachment_rows
from backend.contents import contents_of
from backend.exhibits import Dossier, Exhibit
from backend.sheet import Outcome, Row, Section, Sheet
from backend.voice import Voice
from backend.words import Words
from sync.events import (
    Accepted,
    Custody,
    Escalated,
    Event,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.ids import event_name
from sync.intervals import Interval, is_off, is_unsure
from sync.ledger import is_hash
from sync.problems import TOO_LARGE, Problem
from sync.qr import Frame, SignedEvent, code_texts, encode_frame
from sync.seal import signature_in

_ROLE: Final = "role:"


def outcome_of(dossier: Dossier, as_of_ms: int) -> Outcome:
    """What became of the handover, as known at `as_of_ms`."""
    handover = dossier.handover
    if handover is None:
        return "reassigned"
    match handover.state:
        case "contested":
            return "contested" if any(case.state == "open" for case in dossier.cases) else "settled"
        case "accepted":
            return "reserved" if handover.reserved else "accepted"
        case "withdrawn":
            return "withdrawn"
    if _moves(dossier):
        return "overtaken"
    if handover.state == "refused":
        return "refused"
    return "lapsed" if handover.lapsed(as_of_ms) else "offered"


def _moves(dossier: Dossier) -> list[Exhibit]:
    """What the office moved away from the node under which the offer was made, where that counts now."""
    offered = dossier.subject.event.body
    basis = offered.basis if isinstance(offered, Offered) else ""
    path = [node.event for node in dossier.custody.path]
    moved = [event.hash for event in path if isinstance(event.body, Reassigned) and event.body.basis == basis]
    return [one for one in dossier.exhibits if one.event.hash in moved]


def sheet_of(dossier: Dossier, words: Words, as_of_ms: int) -> Sheet:
    """The receipt of a handover in one language."""
    return _Writer(dossier, words, as_of_ms).sheet()


class _Writer:
    def __init__(self, dossier: Dossier, words: Words, as_of_ms: int) -> None:
        self.dossier = dossier
        self.words = words
        self.outcome = outcome_of(dossier, as_of_ms)
        self.voice = Voice(words, dossier.names, dossier.zone)
        body = dossier.subject.event.body
        self.offered = body if isinstance(body, Offered) else None
        self.moved = body if isinstance(body, Reassigned) else None
        handover = dossier.handover
        self.answers = [*handover.accepted, *handover.refused] if handover else []
        self.accepted = [one.body for one in self.answers if isinstance(one.body, Accepted)]
        self.refusals = [one.body for one in self.answers if isinstance(one.body, Refused)]

    def sheet(self) -> Sheet:
        words, dossier = self.words, self.dossier
        codes, code_says = self._codes()
        sections = (
            self._job(),
            self._parties(),
            self._course(),
            *self._contest(),
            *contents_of(self.offered.payload if self.offered else None, self.accepted, self.voice),
            self._evidence(),
        )
        return Sheet(
            words=words,
            title=words("title.handover" if self.offered else "title.reassignment"),
            subject=dossier.subject.event.hash,
            outcome=self.outcome,
            outcome_words=words(f"outcome.{self.outcome}"),
            says=self._says(),
            sections=tuple(section for section in sections if section.rows or section.table),
            codes=codes,
            code_says=code_says,
            footer=words("footer", when=self.voice.when(dossier.known_ms), zone=dossier.zone),
            made_ms=dossier.known_ms,
        )

    # -- sections -------------------------------------------------------------
    def _says(self) -> str:
        first = self.accepted[0].party if self.accepted else self.refusals[0].party if self.refusals else ""
        handover = self.dossier.handover
        sender = self.offered.sender if self.offered else self._former()
        return self.words(
            f"says.{self.outcome}",
            sender=self.voice.who(sender),
            receiver=self.voice.who(self.moved.party if self.moved else first),
            to=self._to(),
            accountable=self.voice.who(self.dossier.accountable),
            reason="; ".join(one.reason for one in self.refusals),
            due=self.voice.when(handover.due_ms) if handover and handover.due_ms is not None else "",
        )

    def _to(self) -> str:
        return ", ".join(self.voice.who(party) for party in self.offered.to) if self.offered else ""

    def _former(self) -> str:
        """Who was accountable before the reassignment."""
        basis = self.moved.basis if self.moved else ""
        for one in self.dossier.exhibits:
            body = one.event.body
            if one.event.hash == basis:
                party: str = getattr(body, "party", "")
                return party
        return ""

    def _job(self) -> Section:
        words, opened = self.words, self.dossier.opened
        rows = [Row(words("job.id"), (self.dossier.job,), is_code=True)]
        if opened is not None:
            facts = {
                "asset": self.voice.given(opened.asset),
                "site": self.voice.given(self.voice.who(opened.site)),
                "customer": self.voice.given(self.voice.who(opened.customer)),
                "outcome": self.voice.given(opened.desired_outcome),
            }
            rows += [Row(words(f"job.{key}"), (value,)) for key, value in facts.items() if value]
        if self.offered:
            rows.append(Row(words("job.boundary"), (self.offered.boundary,)))
            if self.offered.site and (opened is None or self.offered.site != opened.site):
                rows.append(Row(words("job.site"), (self.voice.who(self.offered.site),)))
        return Section(words("section.job"), tuple(rows))

    def _parties(self) -> Section:
        words, subject = self.words, self.dossier.subject.event
        rows: list[Row] = []
        if self.offered:
            rows.append(Row(words("party.sender"), (self.voice.by(subject, self.offered.sender),)))
            rows.append(Row(words("party.to"), (self._to(),)))
        if self.moved:
            rows.append(Row(words("party.former"), (self.voice.who(self._former()),)))
            rows.append(Row(words("party.new"), (self.voice.who(self.moved.party),)))
            why = [words.of("reason", self.moved.reason), self.voice.given(self.moved.words)]
            rows.append(Row(words("party.reason"), (": ".join(part for part in why if part),)))
        for event in self.answers:
            body = event.body
            if isinstance(body, Accepted):
                rows.append(Row(words("party.receiver"), (self.voice.by(event, body.party),)))
                if body.signed_name:
                    rows.append(Row(words("party.signed_name"), (body.signed_name,)))
                rows.append(Row(words("party.met"), (words.of("met", body.met),)))
            elif isinstance(body, Refused):
                rows.append(Row(words("party.refuser"), (self.voice.by(event, body.party),)))
                rows.append(Row(words("party.reason"), (self.voice.given(body.reason),)))
        rows += self._withdrawals()
        if self.accepted and self.dossier.handover:
            seen = "confirmed.yes" if self.dossier.handover.confirmed else "confirmed.no"
            rows.append(Row(words("party.confirmed"), (words(seen),)))
        rows.append(Row(words("party.accountable"), (self.voice.who(self.dossier.accountable),)))
        return Section(words("section.parties"), tuple(rows))

    def _withdrawals(self) -> list[Row]:
        handover = self.dossier.handover
        bodies = [one.body for one in handover.withdrawn] if handover else []
        reasons = [body.reason for body in bodies if isinstance(body, Withdrawn) and body.reason]
        return [Row(self.words("party.reason"), (self.voice.given(reason),)) for reason in reasons]

    def _course(self) -> Section:
        rows: list[Row] = []
        handover = self.dossier.handover
        for one in self._shown():
            event, body = one.event, one.event.body
            label = self.words(f"step.{event.kind}", to=self.voice.who(body.to) if isinstance(body, Escalated) else "")
            flags = [self.words("step.received", when=self.voice.when(one.received_ms))]
            if handover and handover.late and event in handover.accepted:
                flags.insert(0, self.words("step.late"))
            flags[:0] = [self.words(f"step.{flag}") for flag in self.dossier.flags.get(event.hash, ())] + self._doubt(
                event
            )
            said = f"{self.voice.when(event.occurred_ms)} · {self.voice.given(self.voice.who(event.actor))}"
            rows.append(Row(label, (said, *flags)))
            if handover and event is handover.offer and handover.due_ms is not None:
                rows.append(Row(self.words("step.due"), (self.voice.when(handover.due_ms),)))
        return Section(self.words("section.course"), tuple(rows))

    def _doubt(self, event: Event) -> list[str]:
        """What is known of how far the time shown can be off."""
        bounds = self.dossier.bounds.get(event.hash, Interval())
        if not (is_off(event, bounds) or is_unsure(event, bounds)):
            return []
        key = "step.off" if is_off(event, bounds) else "step.uncertain"
        if bounds.lower is None or bounds.upper is None:
            return [self.words(f"{key}_by", upper=self.voice.when(bounds.upper))] if bounds.upper is not None else []
        return [self.words(key, lower=self.voice.when(bounds.lower), upper=self.voice.when(bounds.upper))]

    def _shown(self) -> list[Exhibit]:
        """The subject and what answers it, and the settling of a contest; by the time shown."""
        about: set[str] = {self.dossier.subject.event.hash}
        handover = self.dossier.handover
        if handover:
            for some in (handover.accepted, handover.refused, handover.withdrawn):
                about.update(event.hash for event in some)
            for some in (handover.confirmations, handover.escalations):
                about.update(event.hash for event in some)
        about.update(hash_ for case in self.dossier.cases for hash_ in (*case.children, *case.withdrawals))
        about.update(hash_ for case in self.dossier.cases for hash_ in case.resolutions)
        about.update(one.event.hash for one in _moves(self.dossier))
        found = [one for one in self.dossier.exhibits if one.event.hash in about]
        return sorted(found, key=lambda one: one.event.occurred_ms)  # at one time, in the order in which they came

    def _contest(self) -> Iterable[Section]:
        rows: list[Row] = []
        for hash_ in dict.fromkeys(
            name for case in self.dossier.cases for name in (*case.children, *case.withdrawals, *case.resolutions)
        ):
            one = self.dossier.exhibit(hash_)
            if one is None:
                continue
            match one.event.body:
                case Accepted() as body:
                    said = self.words("contest.taken", party=self.voice.who(body.party))
                case Reassigned() as body:
                    said = self.words("contest.reassigned", party=self.voice.who(body.party))
                case Withdrawn() as body:
                    said = self.words("contest.withdrawn", party=self.voice.who(body.sender))
                case Resolved() as body:
                    said = self.words("contest.resolved", party=self.voice.who(self._chosen(body)))
                    if body.reason:
                        said = f"{said}, {self.words('contest.reason', reason=body.reason)}"
                case _:
                    continue
            rows.append(Row(self.words(f"step.{one.event.kind}", to=""), (said,)))
        return [Section(self.words("section.contest"), tuple(rows))]

    def _chosen(self, body: Resolved) -> str:
        if body.party:
            return body.party
        chosen = self.dossier.exhibit(body.chosen)
        party: str = getattr(chosen.event.body, "party", "") if chosen else ""
        return party

    # -- evidence -------------------------------------------------------------
    def _evidence(self) -> Section:
        words = self.words
        rows: list[Row] = []
        for one in self._shown():
            label = words(f"step.{one.event.kind}", to="")
            name = event_name(one.event.log, one.event.seq)
            owner = self.dossier.owners.get(one.kid, "")
            key = f"{words('evidence.key')} {one.kid}"
            if owner:
                key = f"{key} {words('evidence.by', who=owner)}"
            rows.append(
                Row(label.rstrip(" ,"), (f"{words('evidence.hash')} {one.event.hash}", name, key), is_code=True)
            )
        rows += attachment_rows(self.dossier, self._shown(), words)
        body = self.dossier.subject.event.body
        if isinstance(body, Custody):
            rows.append(Row(words("evidence.roster"), (body.roster,), is_code=True))
        if self.offered:
            rows.append(
                Row(words("evidence.policy"), (f"{self.offered.boundary} {self.offered.policy}",), is_code=True)
            )
        return Section(words("section.evidence"), tuple(rows))

    def _codes(self) -> tuple[tuple[str, ...], str]:
        """The newest half as it was shown: the last answer, or the offer where there is none."""
        handover = self.dossier.handover
        last = [*handover.refused, *handover.accepted] if handover else []
        one = self.dossier.exhibit(last[-1].hash) if last else self.dossier.subject
        if one is None or not one.jws:
            return (), ""
        if is_hash(one.raw):
            return (), self.words("codes.redacted")
        frame = Frame(one.kid, (SignedEvent(one.raw, signature_in(one.jws)),))
        kind = self.words(f"step.{one.event.kind}", to="")
        try:
            return code_texts(encode_frame(frame)), self.words("codes.says", kind=kind)
        except Problem as problem:
            if problem.kind is not TOO_LARGE:
                raise
            return (), self.words("codes.too_large")
