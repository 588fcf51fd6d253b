"""What was handed over, in words: the payload of an offer, the items counted, and the read-back."""

from collections.abc import Iterable, Sequence

from backend.sheet import Row, Section, Table
from backend.voice import Voice
from sync.events import Accepted
from sync.payload import Payload


def contents_of(said: Payload | None, answers: Sequence[Accepted], voice: Voice) -> tuple[Section, ...]:
    """The sections that say it; None and no answers where nothing was offered."""
    contents = _Contents(said or Payload(), answers, voice)
    found = [contents.payload()] if said is not None else []
    return (*found, contents.items(), contents.synthesis())


class _Contents:
    def __init__(self, said: Payload, accepted: Sequence[Accepted], voice: Voice) -> None:
        self.said = said
        self.accepted = accepted
        self.voice = voice
        self.words = voice.words

    def payload(self) -> Section:
        """What was said, in the order of I-PASS."""
        words, said = self.words, self.said
        rows: list[tuple[str, Iterable[str]]] = [
            ("priority", [words.of("priority", said.priority)] if said.priority else []),
            ("state", [words.of("state", said.state)] if said.state else []),
            ("summary", map(self.voice.given, said.summary.splitlines())),
            ("actions_taken", (self.voice.given(f"{one.object}: {one.result}") for one in said.actions_taken)),
            ("decisions", self._decisions(said)),
            ("next_actions", self._next(said)),
            ("risks", self._risks(said)),
            ("dependencies", self._dependencies(said)),
            ("gaps", (f"{words.of('element', gap.element)}: {self.voice.given(gap.reason)}" for gap in said.gaps)),
        ]
        found = [Row(words(f"payload.{key}"), texts) for key, some in rows if (texts := tuple(some))]
        return Section(words("section.payload"), tuple(found) or (Row("", (words("payload.nothing"),)),))

    def _decisions(self, said: Payload) -> Iterable[str]:
        for one in said.decisions:
            by = self.words("line.decision_by", who=self.voice.who(one.who)) if one.who else ""
            because = self.words("line.because", basis=one.basis) if one.basis else ""
            yield ", ".join(part for part in (self.voice.given(one.what), by, because) if part)

    def _next(self, said: Payload) -> Iterable[str]:
        for one in said.next_actions:
            owner = (
                self.words("line.owner", who=self.voice.who(one.owner)) if one.owner else self.words("line.no_owner")
            )
            due = self.words("line.by", when=self.voice.said(one.due)) if one.due else ""
            yield f"{self.voice.given(one.what)} ({', '.join(part for part in (owner, due) if part)})"

    def _risks(self, said: Payload) -> Iterable[str]:
        if not said.risks and "risks" in said.none_known:
            yield self.words("payload.none_known")
        for one in said.risks:
            yield self.words("line.if", cause=one.if_, then=one.then) if one.then else self.voice.given(one.if_)

    def _dependencies(self, said: Payload) -> Iterable[str]:
        if not said.dependencies and "dependencies" in said.none_known:
            yield self.words("payload.none_known")
        for one in said.dependencies:
            on = self.voice.given(one.on)
            yield f"{on} ({self.words('line.by', when=self.voice.said(one.by))})" if one.by else on

    def items(self) -> Section:
        """How many of each item were expected, counted and received."""
        words = self.words
        reserved = {one.item: one for body in self.accepted for one in body.reservations}
        listed = {one.id: one for one in self.said.items}
        rows: list[tuple[str, ...]] = []
        for item in dict.fromkeys((*listed, *reserved)):
            there, remark = listed.get(item), reserved.get(item)
            received = remark.counted if remark else there.counted if there and self.accepted else ""
            rows.append(
                (
                    self.voice.who(item),
                    str(there.expected) if there else "",
                    str(there.counted) if there else "",
                    str(received),
                    remark.remark if remark else "",
                )
            )
        head = tuple(words(f"items.{key}") for key in ("item", "expected", "counted", "received", "remark"))
        return Section(words("section.items"), table=Table(head, tuple(rows)) if rows else None)

    def synthesis(self) -> Section:
        """What each receiver read back."""
        rows: list[Row] = []
        for body in self.accepted:
            said = body.synthesis
            label = self.words("synthesis.words", who=self.voice.who(body.party))
            rows.append(Row(label, tuple(map(self.voice.given, said.words.splitlines()))))
            if said.shown:
                counts = self.words("synthesis.counts", hits=said.hits, false=said.false, shown=said.shown)
                rows.append(Row(self.words("synthesis.score"), (counts,)))
        return Section(self.words("section.synthesis"), tuple(rows))
