"""Checks before departure: what is missing, who is told, and that the same visit is in the same arm everywhere."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.checks import arm_of, earlier, run_checks
from sync.clock import Moment
from sync.custody import Custody
from sync.events import CheckFound, Event, JobOpened, SignalObserved
from sync.goods import Item
from sync.journey import Attendance, Check, Journey
from sync.payload import Action, NextAction, Payload, Risk
from sync.policy import CheckRule, Policy

OPENED = JobOpened(roster="1.abcdef", party="anna", site="site-1", asset="pump-7")
EMPTY = Journey(
    job="j",
    opened=OPENED,
    custody=Custody(at=None, since=None),
    state="open",
    held=False,
    plan=None,
    handovers=(),
    visits=(),
    orders={},
    items=(),
    checks=(),
    signals=(),
    contacts=(),
    merged=(),
    assisting=(),
    discrepancies=(),
    timeline=(),
)
VISIT = "visit-1"


def rule(needs: str, **fields: object) -> CheckRule:
    return msgspec.convert({"id": needs, "needs": needs, "gap": f"no {needs}", "text": "look", **fields}, CheckRule)


def text_of(needs: str, journey: Journey = EMPTY, payload: Payload = Payload(), **policy: object) -> str:  # noqa: B008 - frozen
    one = Policy(boundary="b", version=1, issued_at="", checks=(rule(needs),))
    (finding,) = run_checks(msgspec.structs.replace(one, **policy), journey, VISIT, payload)
    assert (finding.gap, bool(finding.text)) == ((f"no {needs}", True) if finding.text else ("", False))
    return finding.text.removeprefix("look: ")


def event(body: SignalObserved | CheckFound, hash_: str = "h") -> Event:
    at = Moment(wall="2026-05-04T08:00:00Z", mono=0, boot="b")
    return Event(
        hash=hash_, log="l", seq=1, kind="check.found", job="j", actor="a", at=at, body=body, wall_ms=0, occurred_ms=0
    )


def attendance(*assets: str, visit: str = VISIT) -> Attendance:
    fields: dict[str, object] = {field.name: "" for field in msgspec.structs.fields(Attendance)}
    fields |= {"visit": visit, "arrived_ms": 1, "departed_ms": None, "people": (), "scanned_assets": assets}
    return Attendance(**fields)  # type: ignore[arg-type]  # the rest is empty text


def with_(**fields: object) -> Journey:
    return msgspec.structs.replace(EMPTY, **fields)


# -- what is missing -----------------------------------------------------------
def test_items_count_when_they_were_seen_at_the_site_or_said_to_be_short() -> None:
    items = (
        Item(item="filter", expected=3, picked=3, loaded=3, installed=2),
        Item(item="seal", expected=2, delivered=1, short=1),
        Item(item="hose", expected=1, returned=1),
    )
    assert text_of("items_scanned", with_(items=items)) == "2 of 3 filter scanned"
    assert text_of("items_scanned", with_(items=items[1:])) == ""


def test_the_asset_of_the_job_is_to_be_scanned_at_this_visit() -> None:
    assert text_of("asset_scanned") == "pump-7 was not scanned"
    assert text_of("asset_scanned", with_(visits=(attendance("pump-8"),))) == "pump-8 was scanned, not pump-7"
    assert text_of("asset_scanned", with_(visits=(attendance("pump-7", visit="before"),))) == "pump-7 was not scanned"
    assert text_of("asset_scanned", with_(visits=(attendance("pump-7"),))) == ""


def test_a_job_without_an_asset_needs_no_scan_of_one() -> None:
    assert text_of("asset_scanned", with_(opened=msgspec.structs.replace(OPENED, asset=""))) == ""
    assert text_of("asset_scanned", with_(opened=None)) == ""


def test_somebody_owns_each_next_action_unless_nothing_is_left_to_do() -> None:
    owned, nobodys = NextAction(what="fit", owner="bo"), NextAction(what="bleed")
    assert text_of("next_action_owner") == "no next action was named"
    assert text_of("next_action_owner", payload=Payload(next_actions=(owned, nobodys))) == "nobody owns bleed"
    assert text_of("next_action_owner", payload=Payload(next_actions=(owned,))) == ""
    assert text_of("next_action_owner", payload=Payload(state="complete")) == ""
    assert text_of("next_action_owner", payload=Payload(state="complete", next_actions=(nobodys,))) != ""


def test_risks_are_named_or_said_not_to_be_known() -> None:
    assert text_of("risks_said") != ""
    assert text_of("risks_said", payload=Payload(risks=(Risk(if_="it leaks"),))) == ""
    assert text_of("risks_said", payload=Payload(none_known=("risks",))) == ""
    assert text_of("risks_said", payload=Payload(none_known=("dependencies",))) != ""


def test_something_is_said_about_what_was_done() -> None:
    assert text_of("actions_said") != ""
    assert text_of("actions_said", payload=Payload(actions_taken=(Action(object="pump", result="drained"),))) == ""


def test_evidence_is_what_an_action_names_or_a_signal_the_policy_counts() -> None:
    shown = Action(object="pump", result="drained", evidence=("photo",))
    door = SignalObserved(observed="door", source="s", rests_on=("x",), visit=VISIT)
    elsewhere = msgspec.structs.replace(door, visit="before")
    assert text_of("evidence") == "nothing shows what was done"
    assert text_of("evidence", payload=Payload(actions_taken=(shown,))) == ""
    assert text_of("evidence", payload=Payload(actions_taken=(Action(object="pump", result="drained"),))) != ""
    assert text_of("evidence", with_(signals=(event(elsewhere),))) != ""
    assert text_of("evidence", with_(signals=(event(elsewhere), event(door)))) == ""
    assert text_of("evidence", with_(signals=(event(door),)), evidence=("shock",)) != ""
    assert text_of("evidence", with_(signals=(event(door),)), evidence=("shock", "door")) == ""


# -- who is told ---------------------------------------------------------------
@pytest.mark.parametrize("arm", ["prompt", "shadow", "holdout"])
def test_a_check_runs_in_the_arm_of_its_rule(arm: str) -> None:
    assert arm_of(rule("evidence", arm=arm), "salt", VISIT) == arm


@given(salt=st.text(), visit=st.text(), arm=st.sampled_from(["prompt", "shadow", "holdout"]), share=st.floats(0, 1))
def test_a_check_that_is_about_safety_is_never_silent(salt: str, visit: str, arm: str, share: float) -> None:
    assert arm_of(rule("evidence", arm=arm, share=share, safety=True), salt, visit) == "prompt"


def test_a_share_of_the_visits_stays_silent_the_same_on_every_device() -> None:
    one = rule("evidence", share=0.1)
    arms = [arm_of(one, "salt", f"visit-{number}") for number in range(2_000)]
    assert arms == [arm_of(one, "salt", f"visit-{number}") for number in range(2_000)]
    assert 140 <= arms.count("holdout") <= 260
    assert set(arms) == {"prompt", "holdout"}
    assert arms != [arm_of(one, "other salt", f"visit-{number}") for number in range(2_000)]


def test_each_finding_names_its_rule_its_visit_and_its_arm_in_the_policys_order() -> None:
    rules = (rule("risks_said", arm="shadow"), rule("asset_scanned"))
    policy = Policy(boundary="b", version=1, issued_at="", checks=rules)
    findings = run_checks(policy, EMPTY, VISIT, Payload())
    assert [(one.rule.id, one.visit, one.arm) for one in findings] == [
        ("risks_said", VISIT, "shadow"),
        ("asset_scanned", VISIT, "prompt"),
    ]


def test_of_several_runs_of_a_check_at_a_visit_the_first_counts() -> None:
    found = CheckFound(check="c", visit=VISIT, arm="prompt", gap="g")

    def check(hash_: str, visit: str = VISIT) -> Check:
        return Check(check="c", visit=visit, arm="prompt", gap="g", found=event(found, hash_), became="open")

    journey = with_(checks=(check("first"), check("second"), check("elsewhere", "before")))
    assert {name: one.found.hash for name, one in earlier(journey, VISIT).items()} == {"c": "first"}
