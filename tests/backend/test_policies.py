"""Policies as an administrator keeps them: templates, what contradicts, versions, and what one would have blocked."""

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
import pytest

from backend.intake import Intake
from backend.pages.catalogue import page_words
from backend.policies.keeping import check_policy, policy_versions, put_in_force
from backend.policies.templates import TEMPLATES, template
from backend.policies.trying import MOST, SINCE_MS, try_on
from backend.reach import EVERY_SITE
from backend.words import LANGUAGES, Language
from sync.payload import NextAction, Payload
from sync.policy import Accept, CheckRule, Limits, Policy, Step
from sync.problems import WRONG_INPUT, Problem
from tests.backend.conftest import BOUNDARY
from tests.backend.people import FixedWorld, Staff

pytestmark = pytest.mark.anyio
SignIn = Callable[[str], Awaitable[Staff]]


def policy(**more: object) -> Policy:
    return msgspec.structs.replace(Policy(boundary=BOUNDARY, version=1, issued_at=""), **more)


# -- templates ----------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
async def test_every_template_can_be_put_in_force_in_every_language(
    intake: Intake, name: str, language: Language
) -> None:
    made = template(name, page_words(language), desk="desk", salt="salt")
    assert len(made.distractors) >= 3
    reference = await intake.do(lambda writing: put_in_force(writing, made, by="ada"))
    assert reference.startswith("1.")


# -- what contradicts -----------------------------------------------------------
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"distinct_from": ("nowhere",)}, "distinct_from"),
        ({"escalation": (Step(after_minutes=0, to="nobody"),), "limits": Limits(accept=5)}, "escalation"),
        ({"escalation": (Step(after_minutes=0, to="desk"),)}, "limits.accept"),
        (
            {
                "escalation": (Step(after_minutes=9, to="desk"), Step(after_minutes=3, to="max")),
                "limits": Limits(accept=5),
            },
            "escalation",
        ),
        ({"on_call": "nobody"}, "on_call"),
        ({"checks": (CheckRule(id="a", needs="evidence", gap="a", text="a"),) * 2}, "checks"),
        ({"distractors": ("same", "same")}, "distractors"),
        ({"roster_degrades_days": 9, "roster_blocks_days": 3}, "roster_blocks_days"),
        ({"accept": Accept(guests=False)}, "accept.roles"),
    ],
)
async def test_a_policy_that_no_device_could_follow_is_refused_where_it_is_wrong(
    intake: Intake, wrong: dict[str, object], where: str
) -> None:
    with pytest.raises(Problem) as caught:
        await intake.do(lambda writing: put_in_force(writing, policy(**wrong), by="ada"))
    assert (caught.value.kind, caught.value.where) == (WRONG_INPUT, where)


async def test_roles_people_teams_and_other_boundaries_may_be_named(intake: Intake) -> None:
    steps = (Step(after_minutes=0, to="desk"), Step(after_minutes=9, to="role:manager"))
    fine = policy(escalation=steps, limits=Limits(accept=5), on_call="max", distinct_from=("earlier", "other"))
    await intake.do(lambda writing: check_policy(writing.con, fine, {"other"}))


# -- versions -----------------------------------------------------------------
async def test_versions_say_who_changed_what_and_the_same_again_is_none(intake: Intake) -> None:
    strict = policy(mandatory=("risks",))
    said = []
    for who, made in (("ada", strict), ("max", strict), ("max", policy(mandatory=("risks",), challenge=True))):
        said.append(await intake.do(partial(put_in_force, policy=made, by=who)))
    assert [bool(one) for one in said] == [True, False, True]
    versions = await intake.store.reading(lambda con: policy_versions(con, BOUNDARY))
    assert [one.by for one in versions] == ["max", "ada", ""]
    assert versions[0].changed == ("challenge",)
    assert set(versions[1].changed) == {"mandatory", "limits", "escalation"}
    assert versions[2].changed == ()


# -- trying -------------------------------------------------------------------
async def offered(dora: Staff, payload: Payload, site: str = "north") -> None:
    job = await dora.open_job(site)
    await dora.do(job, "dispatch", to=["anna"], boundary=BOUNDARY, payload=msgspec.to_builtins(payload))


async def test_what_a_policy_would_have_blocked_is_counted_from_the_offers_own_bytes(
    intake: Intake, staff: SignIn
) -> None:
    dora = await staff("dora")
    await offered(dora, Payload(summary="pump leaks", next_actions=(NextAction(what="fit it", owner="anna"),)))
    await offered(dora, Payload(summary="pump leaks", next_actions=(NextAction(what="fit it"),)))
    await offered(dora, Payload(summary="pump leaks"), site="south")
    checks = (
        CheckRule(id="owner", needs="next_action_owner", gap="owner", text="Owner"),
        CheckRule(id="scan", needs="asset_scanned", gap="scan", text="Asset"),
    )
    tried = policy(mandatory=("next_actions",), checks=checks)
    everything = await intake.do(lambda writing: try_on(writing, tried, {EVERY_SITE}))
    assert (everything.tried, everything.blocked) == (3, 1)
    assert everything.shown[0].code == "element-missing"
    assert (everything.spoken, everything.untold) == ({"owner": 2}, {"scan": 3})
    north = await intake.do(lambda writing: try_on(writing, tried, {"site:north"}))
    assert (north.tried, north.blocked) == (2, 0)


async def test_offers_of_another_boundary_or_of_long_ago_are_not_tried(
    intake: Intake, staff: SignIn, world: FixedWorld
) -> None:
    dora = await staff("dora")
    await offered(dora, Payload(summary="pump leaks"))
    other = msgspec.structs.replace(policy(mandatory=("risks",)), boundary="other")
    assert (await intake.do(lambda writing: try_on(writing, other, {EVERY_SITE}))).tried == 0
    world.clock_ms += SINCE_MS + 1
    old = await intake.do(lambda writing: try_on(writing, policy(mandatory=("risks",)), {EVERY_SITE}))
    assert (old.tried, old.blocked, old.more) == (0, 0, False)
    assert MOST > 0


async def test_trying_leaves_everything_as_it_was(intake: Intake, staff: SignIn) -> None:
    dora = await staff("dora")
    await offered(dora, Payload(summary="pump leaks"))
    before = await intake.store.reading(lambda con: con.execute("SELECT max(position) FROM mark").fetchone())
    found = await intake.do(lambda writing: try_on(writing, policy(challenge=True), {EVERY_SITE}))
    assert [one.code for one in found.shown] == ["challenge-unknown-or-used"]
    assert before == await intake.store.reading(lambda con: con.execute("SELECT max(position) FROM mark").fetchone())
