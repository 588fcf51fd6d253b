"""A scene for the tests of verdicts: documents of its own, and bodies recorded one by one by whoever is named."""

import msgspec

from sync.clock import Moment, rfc3339
from sync.codec import encode, read_event, write_event
from sync.events import KINDS, Accepted, Draft, Event, Fact, JobOpened, Offered
from sync.ids import b64, digest
from sync.judge import judge_all
from sync.payload import Payload, Synthesis
from sync.policy import Directory, Policy, Roster, reference
from sync.seal import kid_of
from sync.standing import Shelf, Standing, Verdict
from tests.sync.cast import START_MS, key, log_id, roster

KIND_OF = {body: kind for kind, body in KINDS.items()}
DESK = "desk-1"
FREE = Policy(boundary="any", version=1, issued_at=rfc3339(START_MS))
NOBODY_HAS_IT = b64(digest(b"nobody ever recorded this"))


class Scene:
    """One job's documents and events; `opened` is the root, with anna accountable, judged already."""

    def __init__(self, policy: Policy = FREE, people: Roster | None = None) -> None:
        self.shelf = Shelf()
        self._seqs: dict[str, int] = {}
        self.roster = self.hold(people or roster(1))
        self.boundary, self.policy = policy.boundary, self.hold(policy)
        self.opened = self.record(JobOpened(roster=self.roster, party="anna", site="mill"))

    def hold(self, document: Roster | Policy) -> str:
        """Afterwards the document is held, and what waited for it was judged; its reference."""
        name = refer(document)
        if isinstance(document, Roster):
            judge_all(self.shelf.hold_roster(name, Directory(document)), self.shelf)
        else:
            judge_all(self.shelf.hold_policy(name, document), self.shelf)
        return name

    def write(
        self, body: Fact, by: str = "anna", log: str = "", job: str | None = None, kid: str | None = None
    ) -> Event:
        """The event, recorded but not judged: by default on the person's own device, signed, about the scene's job.

        `raw` are the bytes of the last one.
        """
        log = log or f"{by}'s"
        seq = self._seqs[log] = self._seqs.get(log, 1) + 1
        if job is None:
            job = "" if isinstance(body, JobOpened) else self.opened.job
        draft = Draft(kind=KIND_OF[type(body)], actor=by, body=body, job=job)
        at = Moment(wall=rfc3339(START_MS + seq * 1_000), mono=seq, boot="boot")
        self.raw = raw = write_event(draft, log=log_id(log), seq=seq, at=at)
        return read_event(raw, kid_of(key(log)) if kid is None else kid)

    def record(
        self, body: Fact, by: str = "anna", log: str = "", job: str | None = None, kid: str | None = None
    ) -> Event:
        """The same, judged."""
        event = self.write(body, by, log, job, kid)
        self.judge(event)
        return event

    def judge(self, *events: Event) -> None:
        """Afterwards these are judged, and all that waited for them."""
        judge_all(list(events), self.shelf)

    def verdict(self, event: Event) -> Verdict:
        """Its verdict now."""
        return self.shelf.standings[event.hash].verdict

    def said(self, event: Event) -> str:
        """The verdict's code, or `applied`."""
        verdict = self.verdict(event)
        return verdict.code or verdict.word

    def standing(self, event: Event) -> Standing:
        """The event as judged."""
        return self.shelf.standings[event.hash]

    # -- the usual bodies -----------------------------------------------------
    def offer(self, *to: str, basis: str = "", sender: str = "anna", payload: Payload | None = None) -> Offered:
        """An offer over the scene's boundary, by default from the root."""
        return Offered(
            roster=self.roster,
            policy=self.policy,
            boundary=self.boundary,
            basis=basis or self.opened.hash,
            sender=sender,
            to=to or ("bo",),
            payload=payload or Payload(summary="pump leaks"),
        )

    def answer(self, offer: Event | str, party: str = "bo", **named: object) -> Accepted:
        """An acceptance of the offer, by default a meeting of two devices."""
        hash_ = offer if isinstance(offer, str) else offer.hash
        usual = {"roster": self.roster, "met": "met", "synthesis": Synthesis(words="seal, then pressure")}
        return msgspec.convert({**usual, "offer": hash_, "party": party, **named}, Accepted)


def refer(document: Roster | Policy) -> str:
    """How events name this document."""
    return reference(document.version, encode(document))
