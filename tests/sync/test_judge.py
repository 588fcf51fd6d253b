"""Verdicts rest on the event, what it names, and signed documents: names, keys, logs and parties."""

import msgspec
import pytest

from sync.events import (
    CUSTODY,
    JOBLESS,
    KINDS,
    STAFF_ONLY,
    CheckFound,
    CodeWitnessed,
    Confirmed,
    Custody,
    Escalated,
    EventPromoted,
    EventRedacted,
    JobCancelled,
    JobClosedByRule,
    JobMerged,
    JobOpened,
    JobResolved,
    JobUnmerged,
    LossDeclared,
    NoteWritten,
    Offered,
    Reassigned,
    Refused,
    Resolved,
    Withdrawn,
)
from sync.judge import judge
from sync.policy import Device, Roster
from sync.standing import APPLIED
from tests.sync.cast import key, persons, roster
from tests.sync.scene import DESK, FREE, KIND_OF, NOBODY_HAS_IT, Scene, refer


# -- what it names ------------------------------------------------------------
def test_an_event_of_an_unknown_job_waits_for_its_opening() -> None:
    scene, elsewhere = Scene(), Scene(people=roster(2))
    note = scene.write(NoteWritten(text="x"), job=elsewhere.opened.job)
    scene.judge(note)
    assert scene.verdict(note).word == "parked"
    assert scene.verdict(note).waits_for == (elsewhere.opened.job,)
    scene.hold(roster(2))
    scene.judge(elsewhere.opened)
    assert scene.verdict(note) == APPLIED


def test_an_event_of_a_refused_job_is_refused() -> None:
    scene = Scene()
    opened = scene.record(JobOpened(roster=scene.roster, party="bo", site="mill"))
    note = scene.record(NoteWritten(text="x"), job=opened.job)
    assert (scene.said(opened), scene.said(note)) == ("not-for-party", "names-refused")


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - JOBLESS))
def test_an_event_about_a_job_names_one(kind: str) -> None:
    scene = Scene()
    note = msgspec.structs.replace(scene.write(NoteWritten(text="x"), log=DESK), kind=kind, job="")
    scene.judge(note)
    assert scene.said(note) == "wrong-reference"


def test_a_custody_event_names_events_of_its_own_job() -> None:
    scene = Scene()
    other = scene.record(JobOpened(roster=scene.roster, party="anna", site="quay"))
    offer = scene.record(scene.offer("bo", basis=other.hash))
    assert scene.said(offer) == "other-job"


def test_a_witness_names_nothing() -> None:
    scene = Scene()
    witness = scene.record(CodeWitnessed(frame="AAAA"), job=NOBODY_HAS_IT[:22])
    assert scene.verdict(witness) == APPLIED


def test_what_waits_is_judged_when_the_whole_chain_has_arrived() -> None:
    scene = Scene()
    offer = scene.write(scene.offer("bo"))
    accepted = scene.write(scene.answer(offer), by="bo")
    seen = scene.write(Confirmed(roster=scene.roster, offer=offer.hash, accepted=accepted.hash, sender="anna"))
    scene.judge(seen, accepted, accepted)
    assert scene.verdict(seen).waits_for == (offer.hash,)
    assert scene.verdict(accepted).waits_for == (offer.hash,)
    scene.judge(offer)
    assert [scene.said(one) for one in (offer, accepted, seen)] == ["applied"] * 3


def test_what_is_quarantined_holds_up_what_names_it() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    apart = msgspec.structs.replace(scene.standing(offer), verdict=msgspec.structs.replace(APPLIED, word="quarantined"))
    scene.shelf.add(apart)
    assert scene.verdict(scene.record(scene.answer(offer), by="bo")).word == "parked"


@pytest.mark.parametrize("kind", ["accepted", "refused", "withdrawn", "confirmed", "escalated"])
def test_an_answer_names_an_offer(kind: str) -> None:
    scene = Scene()
    root = scene.opened.hash
    bodies = {
        "accepted": scene.answer(root),
        "refused": Refused(roster=scene.roster, offer=root, party="bo", reason="no"),
        "withdrawn": Withdrawn(roster=scene.roster, offer=root, sender="anna"),
        "confirmed": Confirmed(roster=scene.roster, offer=root, accepted=root, sender="anna"),
        "escalated": Escalated(offer=root, step=1, to="eva"),
    }
    assert scene.said(scene.record(bodies[kind], by="bo")) == "wrong-reference"


def test_a_closing_names_a_node() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    assert scene.said(scene.record(JobResolved(node=offer.hash))) == "wrong-reference"


def test_what_newer_software_wrote_waits_for_an_upgrade() -> None:
    scene = Scene()
    event = msgspec.structs.replace(scene.write(NoteWritten(text="x")), kind="mood.felt", body=None)
    scene.judge(event)
    assert (scene.verdict(event).word, scene.verdict(event).waits_for) == ("parked", ("upgrade",))


def test_a_kind_with_a_rule_is_never_judged_without_it() -> None:
    scene = Scene()
    event = msgspec.structs.replace(scene.write(NoteWritten(text="x")), kind="handover.escalated")
    with pytest.raises(TypeError, match=r"no rule for handover\.escalated"):
        scene.judge(event)


def test_every_kind_that_moves_accountability_has_a_rule() -> None:
    class Swapped(Custody, frozen=True, kw_only=True):
        """A kind for which nobody wrote a rule."""

    scene = Scene()
    event = msgspec.structs.replace(scene.write(scene.offer("bo")), body=Swapped(roster=scene.roster))
    with pytest.raises(TypeError, match=r"no rule for handover\.offered"):
        judge(event, scene.shelf)


# -- documents ----------------------------------------------------------------
def test_a_roster_not_held_parks_and_its_arrival_releases() -> None:
    scene = Scene()
    later = roster(2)
    offer = scene.record(msgspec.structs.replace(scene.offer("bo"), roster=refer(later)))
    assert scene.verdict(offer).waits_for == (f"roster {refer(later)}",)
    scene.hold(later)
    assert scene.verdict(offer) == APPLIED


def test_a_policy_not_held_parks_and_its_arrival_releases() -> None:
    scene = Scene()
    second = msgspec.structs.replace(FREE, version=2)
    offer = scene.record(msgspec.structs.replace(scene.offer("bo"), policy=refer(second)))
    assert scene.verdict(offer).waits_for == (f"policy:any {refer(second)}",)
    scene.hold(second)
    assert scene.verdict(offer) == APPLIED


def test_the_key_is_judged_by_the_roster_that_the_event_names() -> None:
    scene = Scene()
    stranger = Device(id="new", jwk=key("new"), people=("bo",))
    later = msgspec.structs.replace(roster(2), devices=(*roster(2).devices, stranger))
    scene.hold(later)
    offer = scene.record(scene.offer("bo"))
    by_old = scene.record(scene.answer(offer), by="bo", log="new")
    by_new = scene.record(scene.answer(offer, roster=refer(later)), by="bo", log="new")
    assert (scene.said(by_old), scene.said(by_new)) == ("unknown-key", "applied")


def test_people_are_judged_by_the_newest_roster_on_the_way_to_the_root() -> None:
    scene = Scene()
    joined = scene.hold(roster(2))
    for asked, expected in ((scene.roster, "not-addressed"), (joined, "applied")):
        offer = scene.record(msgspec.structs.replace(scene.offer("north"), roster=asked))
        by_dee = scene.record(scene.answer(offer, "dee"), by="dee")
        assert scene.said(by_dee) == expected
    offer = scene.record(scene.offer("north"))
    assert scene.said(scene.record(scene.answer(offer, "eva"), by="eva")) == "applied"
    assert scene.said(scene.record(scene.answer(offer, "eva", roster=joined), by="eva")) == "not-addressed"


def test_an_old_roster_named_later_on_the_way_does_not_bring_an_old_team_back() -> None:
    scene = Scene()
    joined = scene.hold(roster(2))
    offer = scene.record(msgspec.structs.replace(scene.offer("bo"), roster=joined))
    accepted = scene.record(scene.answer(offer), by="bo")
    onward = scene.record(scene.offer("north", basis=accepted.hash, sender="bo"), by="bo")
    assert scene.standing(accepted).roster == joined
    assert scene.said(scene.record(scene.answer(onward, "eva"), by="eva")) == "not-addressed"


def test_no_time_in_a_document_is_read() -> None:
    past = "2020-01-01T00:00:00Z"
    people = {name: msgspec.structs.replace(who, trained_until=past) for name, who in persons(1).items()}
    devices = tuple(msgspec.structs.replace(one, valid_until=past) for one in roster(1).devices)
    scene = Scene(people=msgspec.structs.replace(roster(1), people=people, devices=devices, issued_at=past))
    offer = scene.record(scene.offer("bo"))
    assert scene.said(scene.record(scene.answer(offer), by="bo")) == "applied"


# -- keys and logs ------------------------------------------------------------
@pytest.mark.parametrize("kind", sorted(CUSTODY))
def test_an_event_that_moves_accountability_is_signed(kind: str) -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    accepted = scene.record(scene.answer(offer), by="bo")
    root = scene.opened.hash
    signed = scene.roster
    bodies: tuple[Custody, ...] = (
        JobOpened(roster=signed, party="anna", site="mill"),
        scene.offer("cem"),
        scene.answer(offer),
        Refused(roster=signed, offer=offer.hash, party="bo", reason="no"),
        Withdrawn(roster=signed, offer=offer.hash, sender="anna"),
        Confirmed(roster=signed, offer=offer.hash, accepted=accepted.hash, sender="anna"),
        Resolved(roster=signed, basis=root, cites=(accepted.hash,), party="anna"),
        Reassigned(roster=signed, basis=root, party="eva", reason="ill"),
    )
    body = next(one for one in bodies if KIND_OF[type(one)] == kind)
    assert scene.said(scene.record(body, kid="")) == "not-signed"


def test_the_actor_is_somebody_whom_the_roster_gives_the_key() -> None:
    scene = Scene()
    assert scene.said(scene.record(scene.offer("bo"), log="bo's")) == "not-on-device"
    assert scene.said(scene.record(scene.offer("bo"), log="nobody's")) == "unknown-key"


def test_what_only_the_office_records_is_refused_from_a_device() -> None:
    scene = Scene()
    root = scene.opened.hash
    device = scene.record(NoteWritten(text="x"))
    merged = scene.record(JobMerged(stop="s", jobs=(scene.opened.job,)), by="desk", log=DESK, job="")
    bodies = (
        JobMerged(stop="s", jobs=(scene.opened.job,)),
        JobUnmerged(merged=merged.hash),
        EventPromoted(event=device.hash),
        EventRedacted(event=device.hash, restated="{}"),
        LossDeclared(hash=NOBODY_HAS_IT),
        Reassigned(roster=scene.roster, basis=root, party="eva", reason="ill"),
    )
    for body in bodies:
        assert KIND_OF[type(body)] in STAFF_ONLY
        on_device = scene.record(body, job=scene.opened.job)
        unsigned = scene.record(body, job=scene.opened.job, log=DESK, by="desk", kid="")
        office = scene.record(body, job=scene.opened.job, log=DESK, by="desk")
        assert scene.said(on_device) == "not-staff"
        assert scene.said(unsigned) in ("not-staff", "not-signed")
        assert scene.said(office) == "applied"


def test_nobody_redacts_a_redaction() -> None:
    scene = Scene()
    note = scene.record(NoteWritten(text="x"))
    taken = scene.record(EventRedacted(event=note.hash, restated="{}"), by="desk", log=DESK, job="")
    again = EventRedacted(event=taken.hash, restated=scene.raw.decode())
    assert scene.said(taken) == "applied"
    assert scene.said(scene.record(again, by="desk", log=DESK, job="")) == "not-redactable"


def test_a_merge_waits_for_every_job_it_names() -> None:
    scene, elsewhere = Scene(), Scene(people=roster(2))
    body = JobMerged(stop="s", jobs=(scene.opened.job, elsewhere.opened.job))
    merged = scene.record(body, by="desk", log=DESK, job="")
    assert scene.verdict(merged).waits_for == (elsewhere.opened.job,)
    scene.hold(roster(2))
    scene.judge(elsewhere.opened)
    assert scene.verdict(merged) == APPLIED


# -- parties ------------------------------------------------------------------
def test_the_office_opens_a_job_for_anybody_known_and_a_device_for_its_own() -> None:
    scene = Scene()

    def opened(party: str, by: str, log: str = "") -> str:
        return scene.said(scene.record(JobOpened(roster=scene.roster, party=party, site="mill"), by=by, log=log))

    assert opened("north", "desk", DESK) == "applied"
    assert opened("cem", "desk", DESK) == "applied"
    assert opened("gil", "desk", DESK) == "not-a-party"
    assert opened("role:technician", "desk", DESK) == "not-a-party"
    assert opened("north", "eva") == "applied"
    assert opened("north", "bo") == "not-for-party"


def test_a_sender_who_is_not_accountable_is_found_out() -> None:
    scene = Scene()
    assert scene.said(scene.record(scene.offer("cem", sender="bo"), by="bo")) == "not-accountable"


def test_a_closing_is_by_whom_its_node_made_accountable_his_team_or_the_office() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("north"))
    node = scene.record(scene.answer(offer, "north"), by="eva")
    for body in (JobResolved(node=node.hash), JobCancelled(node=node.hash, reason="x")):
        assert scene.said(scene.record(body, by="fay", kid="")) == "applied"
        assert scene.said(scene.record(body, by="bo", kid="")) == "not-for-party"
        assert scene.said(scene.record(body, by="desk", log=DESK)) == "applied"
    by_rule = JobClosedByRule(node=node.hash, rule="trivial")
    assert scene.said(scene.record(by_rule, by="desk", log=DESK)) == "applied"


def test_a_guest_s_word_that_it_is_done_is_recorded_where_he_accepted() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("gil"))
    node = scene.record(scene.answer(offer, "gil", met="guest"))
    assert scene.said(scene.record(JobResolved(node=node.hash), kid="")) == "applied"
    assert scene.said(scene.record(JobResolved(node=node.hash), by="bo", kid="")) == "not-for-party"


def test_a_reassignment_names_somebody_known() -> None:
    scene = Scene()

    def reassigned(party: str) -> str:
        body = Reassigned(roster=scene.roster, basis=scene.opened.hash, party=party, reason="vanished")
        return scene.said(scene.record(body, by="desk", log=DESK))

    assert [reassigned(party) for party in ("north", "fay")] == ["applied"] * 2
    assert [reassigned(party) for party in ("gil", "role:depot")] == ["not-a-party"] * 2


def test_a_resolution_may_leave_it_with_a_guest_but_give_it_to_none() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("gil"))
    node = scene.record(scene.answer(offer, "gil", met="guest"))
    back = scene.record(scene.offer("bo", "hal", basis=node.hash, sender="gil"), by="bo")
    taken = scene.record(scene.answer(back, "bo", met="guest"), by="bo")
    undone = scene.record(Withdrawn(roster=scene.roster, offer=back.hash, sender="gil"), by="bo")

    def resolved(party: str) -> str:
        cites = (taken.hash, undone.hash)
        body = Resolved(roster=scene.roster, basis=node.hash, cites=cites, party=party)
        return scene.said(scene.record(body, by="desk", log=DESK))

    assert [resolved(party) for party in ("gil", "anna", "hal")] == ["applied", "applied", "not-a-party"]


def test_an_escalation_names_an_offer_and_moves_nothing() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo"))
    told = scene.record(Escalated(offer=offer.hash, step=1, to="eva"), by="desk", log=DESK)
    assert scene.verdict(told) == APPLIED
    assert scene.standing(told).node is None


def test_any_other_fact_about_a_known_job_is_applied() -> None:
    scene = Scene()
    found = scene.record(CheckFound(check="parts", visit="v", arm="prompt", gap="part_missing"), by="dee", kid="")
    assert scene.verdict(found) == APPLIED


def test_of_two_rosters_of_one_version_every_order_takes_the_same() -> None:
    twin: Roster = msgspec.structs.replace(roster(1), issued_at="2026-01-06T08:00:00Z")
    newest = set()
    for first, second in ((roster(1), twin), (twin, roster(1))):
        scene = Scene(people=first)
        other = scene.hold(second)
        offer: Offered = msgspec.structs.replace(scene.offer("bo"), roster=other)
        newest.add(scene.standing(scene.record(offer)).roster)
    assert len(newest) == 1


def test_a_resolution_says_what_it_settles_and_chooses_one_way() -> None:
    scene = Scene()
    offer = scene.record(scene.offer("bo", "cem"))
    both = [scene.record(scene.answer(offer, party), by=party).hash for party in ("bo", "cem")]
    root = scene.opened.hash

    def resolved(**named: object) -> str:
        usual = {"roster": scene.roster, "basis": root, "cites": both}
        body = msgspec.convert(usual | named, Resolved)
        return scene.said(scene.record(body, by="desk", log=DESK))

    assert resolved(chosen=both[0]) == "applied"
    assert resolved(party="eva") == "applied"
    assert resolved(chosen=both[0], party="eva") == "wrong-choice"
    assert resolved() == "wrong-choice"
    assert resolved(chosen=root) == "wrong-choice"
    assert resolved(chosen=offer.hash) == "wrong-choice"
    assert resolved(chosen=both[0], replaces=[offer.hash]) == "wrong-reference"
    assert resolved(chosen=both[0], cites=[both[0]]) == "no-contest"
    assert resolved(chosen=both[0], cites=[]) == "no-contest"
    assert resolved(chosen=both[0], basis=offer.hash) == "wrong-reference"
