"""The catalogue: every kind is written, read back as it was, and forgiving of what newer software adds."""

import json
import re

import msgspec
import pytest

from sync.clock import Anchor, Moment
from sync.codec import read_event, write_event
from sync.events import (
    CUSTODY,
    JOBLESS,
    KINDS,
    SIGNED,
    STAFF_ONLY,
    AssetScanned,
    AssistJoined,
    AssistLeft,
    Blob,
    Candidate,
    CheckCleared,
    CheckFound,
    CheckOverridden,
    CodeWitnessed,
    ComplaintRecorded,
    Confirmed,
    ContactReceived,
    Correction,
    DeviceRevoked,
    Draft,
    Escalated,
    EventPromoted,
    EventRedacted,
    Fact,
    FeedbackRecorded,
    Heads,
    ItemScanned,
    JobCancelled,
    JobClosedByRule,
    JobDispatched,
    JobHeld,
    JobMerged,
    JobOpened,
    JobPlanned,
    JobReleased,
    JobReopened,
    JobResolved,
    JobUnmerged,
    LimitPassed,
    LimitWarned,
    LineChanged,
    LineImported,
    LogForked,
    LogOpened,
    LossDeclared,
    NoteWritten,
    OrderCancelled,
    OrderChanged,
    OrderImported,
    OrderLine,
    PersonSwitched,
    PlaybookStep,
    Reassigned,
    Refused,
    Reservation,
    Resolved,
    SignalObserved,
    SuggestionAnswered,
    SuggestionMade,
    VisitArrived,
    VisitDeparted,
    Withdrawn,
)
from sync.ids import job_id
from sync.payload import Action, Decision, Dependency, ItemCount, NextAction, Payload, Risk
from sync.problems import UNREADABLE, Problem
from tests.sync.cast import key
from tests.sync.scene import KIND_OF, NOBODY_HAS_IT, Scene

LOG = "A" * 22
HASH = NOBODY_HAS_IT
JOB = HASH[:22]
WHEN = "2026-01-05T08:00:00Z"
ROSTER = "3.abcdef"
LINE = OrderLine(line="1", article="seal", qty=2, weight_g=90, volume_ml=5, serials=("s1",))
PAYLOAD = Payload(
    priority="urgent",
    state="in_progress",
    summary="pump leaks",
    actions_taken=(Action(object="valve", result="closed", evidence=("photo",)),),
    decisions=(Decision(what="wait", who="anna", basis="no seal"),),
    next_actions=(NextAction(what="fit the seal", owner="bo", due=WHEN),),
    risks=(Risk(if_="above 4 bar", then="stop"),),
    dependencies=(Dependency(on="the seal", by=WHEN),),
    items=(ItemCount(id="seal", expected=2, counted=1),),
)
SCENE = Scene()
OFFERED = SCENE.offer("bo", "role:technician", payload=PAYLOAD)
ACCEPTED = SCENE.answer(HASH, reservations=(Reservation(item="seal", counted=0),), switched=f"{LOG}:3")
EVERYTHING: tuple[Fact, ...] = (
    LogOpened(device="d1", jwk=key("d1"), software="handover 0.1.0", former=LOG),
    CodeWitnessed(frame="AAAA"),
    PersonSwitched(before="anna", now="bo"),
    Correction(corrects=HASH, reason="typed wrong", fields={"site": "quay"}),
    DeviceRevoked(device="d1", reason="lost", logs=(Heads(log=LOG, heads=(HASH,)),), judged=(HASH,), suspect_from=4),
    LogForked(log=LOG, seq=4),
    EventPromoted(event=HASH, reason="seen on paper"),
    EventRedacted(event=HASH, restated="{}"),
    LossDeclared(log=LOG, from_=3, to=5, chain_after=HASH),
    JobOpened(roster=ROSTER, party="anna", site="mill", asset="pump-7", priority="critical", type="install"),
    JobPlanned(stop="s1", window_from=WHEN, window_to=WHEN, crew="bo", eta=WHEN, replaces=(HASH,)),
    JobDispatched(to=("bo",), stop="s1"),
    JobMerged(stop="s1", jobs=(JOB,), orders=("erp/1",)),
    JobUnmerged(merged=HASH, jobs=(JOB,)),
    JobHeld(reason="no part", until=WHEN),
    JobReleased(held=HASH),
    JobClosedByRule(rule="trivial", node=HASH),
    JobResolved(node=HASH, outcome="done", occurred_at=WHEN, entered="typed"),
    JobReopened(closings=(HASH,), reason="leaks again"),
    JobCancelled(node=HASH, reason="sold"),
    NoteWritten(text="two lines\nand a smile 😀"),
    SuggestionMade(suggestion="g1", rule="m-1", what="merge", subjects=("a",), candidates=(Candidate(id="b"),)),
    SuggestionAnswered(suggestion="g1", choice="b", reason="nearer"),
    LimitWarned(subject="o1", limit="accept"),
    LimitPassed(subject="o1", limit="accept"),
    PlaybookStep(subject="o1", step=1, to="eva"),
    OrderImported(source="erp", order="1", order_kind="dispatch", site="mill", minutes=40, lines=(LINE,)),
    OrderChanged(source="erp", order="1", order_kind="fulfilment", site="mill", replaces=(HASH,)),
    OrderCancelled(source="erp", order="1", reason="sold"),
    LineImported(source="erp", order="1", line=LINE),
    LineChanged(source="erp", order="1", line=LINE),
    ItemScanned(item="seal", step="installed", qty=2, reservation=HASH, entered="scanned"),
    VisitArrived(visit="v1", site="mill", type="delivery", trade="pumps", entered="pulled"),
    VisitDeparted(visit="v1", outcome="no_access", part="last", plan_declared_at=WHEN, converted_at=WHEN),
    AssetScanned(asset="pump-7", site="mill", visit="v1"),
    CheckFound(check="parts", visit="v1", arm="holdout", gap="part_missing", text="seal?"),
    CheckCleared(found=HASH, how="fetched"),
    CheckOverridden(found=HASH, reason="customer waits"),
    SignalObserved(observed="dwell", source="phone", rests_on=("a",), lower_ms=1, upper_ms=2, elsewhere_m=30),
    ContactReceived(contact="c1", channel="phone", intent="again", previous="c0", had_to_repeat=True),
    FeedbackRecorded(ease=7, had_to_repeat=False, words="fine"),
    ComplaintRecorded(words="late", code="K1"),
    AssistJoined(who="cem"),
    AssistLeft(who="cem"),
    OFFERED,
    Withdrawn(roster=ROSTER, offer=HASH, sender="anna", reason="other plan"),
    ACCEPTED,
    Refused(roster=ROSTER, offer=HASH, party="bo", reason="full"),
    Confirmed(roster=ROSTER, offer=HASH, accepted=HASH, sender="anna"),
    Resolved(roster=ROSTER, basis=HASH, cites=(HASH, HASH), chosen=HASH, replaces=(HASH,)),
    Reassigned(roster=ROSTER, basis=HASH, party="eva", reason="compromised", words="phone stolen"),
    Escalated(offer=HASH, step=2, to="eva"),
)
AT = Moment(wall=WHEN, mono=5, boot="b1", anchor=Anchor(id="t9", mono=2))


def draft(body: Fact) -> Draft:
    return Draft(
        kind=KIND_OF[type(body)],
        actor="anna",
        body=body,
        job="" if isinstance(body, JobOpened) else JOB,
        blobs=(Blob(sha256=HASH, size=90, type="image/jpeg"),),
        parents=(f"{LOG}:1",),
    )


def test_there_is_an_example_of_every_kind() -> None:
    assert [KIND_OF[type(body)] for body in EVERYTHING] == list(KINDS)


@pytest.mark.parametrize("body", EVERYTHING, ids=lambda body: KIND_OF[type(body)])
def test_what_was_written_is_read_back(body: Fact) -> None:
    raw = write_event(draft(body), log=LOG, seq=2, at=AT, prev=JOB)
    event = read_event(raw, "key")
    assert event.body == body
    assert (event.kind, event.actor, event.log, event.seq, event.prev) == (KIND_OF[type(body)], "anna", LOG, 2, JOB)
    assert (event.at, event.kid, event.parents) == (AT, "key", (f"{LOG}:1",))
    assert event.blobs == (Blob(sha256=HASH, size=90, type="image/jpeg"),)
    assert event.job == (job_id(event.hash) if isinstance(body, JobOpened) else JOB)


@pytest.mark.parametrize("body", EVERYTHING, ids=lambda body: KIND_OF[type(body)])
def test_a_field_that_newer_software_adds_is_passed_over(body: Fact) -> None:
    event = json.loads(write_event(draft(body), log=LOG, seq=2, at=AT))
    event["body"]["mood"] = {"of": ["anna"]}
    event["weather"] = "rain"
    assert read_event(json.dumps(event).encode()).body == body


@pytest.mark.parametrize("body", EVERYTHING, ids=lambda body: KIND_OF[type(body)])
def test_a_field_that_must_be_there_is_missed_by_name(body: Fact) -> None:
    whole = json.loads(write_event(draft(body), log=LOG, seq=2, at=AT))
    wanted = [field.encode_name for field in msgspec.structs.fields(body) if field.required]
    for name in wanted:
        event = {**whole, "body": {key: value for key, value in whole["body"].items() if key != name}}
        with pytest.raises(Problem, match=name) as refused:
            read_event(json.dumps(event).encode())
        assert (refused.value.kind, refused.value.where) == (UNREADABLE, "body")


@pytest.mark.parametrize("body", EVERYTHING, ids=lambda body: KIND_OF[type(body)])
def test_a_field_of_the_wrong_type_is_named(body: Fact) -> None:
    whole = json.loads(write_event(draft(body), log=LOG, seq=2, at=AT))
    for name in whole["body"]:
        event = {**whole, "body": {**whole["body"], name: [None]}}
        with pytest.raises(Problem, match=re.escape(f"$.{name}")):
            read_event(json.dumps(event).encode())


def test_custody_events_name_their_roster_and_are_signed() -> None:
    assert {kind for kind, body in KINDS.items() if "roster" in body.__struct_fields__} == CUSTODY
    assert {"log.opened"} == SIGNED - CUSTODY
    assert KINDS.keys() >= CUSTODY | STAFF_ONLY | JOBLESS


def test_a_kind_is_spelled_room_dot_what_happened() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", kind) for kind in KINDS)
