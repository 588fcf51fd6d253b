"""The lot that keeps a check silent."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from sync.holdout import arm_for

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(salt=NAMES, visit=NAMES)
def test_the_lot_of_a_visit_falls_at_its_hash(salt: str, visit: str) -> None:
    lot = int(sha256(f"{salt}|{visit}".encode()).hexdigest(), 16) / 2**256
    assert arm_for(salt, visit, lot + 1e-9) == "holdout"
    assert arm_for(salt, visit, lot - 1e-9) == "prompt"


@given(salt=NAMES, visit=NAMES)
def test_nobody_is_silent_at_none_and_everybody_at_one(salt: str, visit: str) -> None:
    assert (arm_for(salt, visit, 0), arm_for(salt, visit, 1)) == ("prompt", "holdout")


@given(salt=NAMES, visit=NAMES)
def test_what_can_hurt_people_is_never_silent(salt: str, visit: str) -> None:
    assert arm_for(salt, visit, 1, safety_critical=True) == "prompt"


def test_the_share_is_met_over_many_visits() -> None:
    silent = sum(arm_for("s", f"visit {i}", 0.1) == "holdout" for i in range(10_000))
    assert 900 < silent < 1_100
