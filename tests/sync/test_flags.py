"""What is said of an event beside its verdict: it holds nothing up."""

import msgspec
import pytest

from sync.clock import rfc3339
from sync.flags import TOLERANCE_MS, Made, flags_of, is_stale, is_valid, trained_until
from sync.policy import DAY_MS, Directory, Policy
from tests.sync.cast import START_MS, roster
from tests.sync.scene import Scene

HOUR_MS = 3_600_000
NOW = Made(at_ms=START_MS)
PATIENT = Policy(boundary="any", version=1, issued_at="", roster_degrades_days=3)


@pytest.mark.parametrize(
    ("field", "off_ms", "expected"),
    [
        ("valid_from", HOUR_MS, False),
        ("valid_from", TOLERANCE_MS, True),
        ("valid_from", -HOUR_MS, True),
        ("valid_until", -HOUR_MS, False),
        ("valid_until", -TOLERANCE_MS, True),
        ("valid_until", HOUR_MS, True),
    ],
)
def test_a_key_is_valid_between_its_times_with_five_minutes_forgiven(field: str, off_ms: int, expected: bool) -> None:
    device = msgspec.structs.replace(roster(1).devices[0], **{field: rfc3339(START_MS + off_ms)})
    assert is_valid(device, START_MS) is expected
    assert is_valid(msgspec.structs.replace(device, valid_from="", valid_until=""), START_MS)


def test_training_and_validity_are_said_and_decide_no_verdict() -> None:
    listed = roster(1)
    over = rfc3339(START_MS - HOUR_MS)
    people = {**listed.people, "anna": msgspec.structs.replace(listed.people["anna"], trained_until=over)}
    devices = tuple(msgspec.structs.replace(device, valid_until=over) for device in listed.devices)
    scene = Scene(people=msgspec.structs.replace(listed, people=people, devices=devices))
    directory = Directory(msgspec.structs.replace(listed, people=people, devices=devices))
    assert scene.said(scene.opened) == "applied"
    assert flags_of(scene.opened, directory, NOW) == ("key_not_valid", "untrained")
    assert flags_of(scene.opened, Directory(listed), NOW) == ()
    long_ago = Made(at_ms=START_MS, replaced_ms=START_MS - 9 * DAY_MS)
    assert flags_of(scene.opened, Directory(listed), long_ago) == ("roster_stale",)
    by_office = scene.record(scene.offer(), by="desk", log="desk-1")
    assert flags_of(by_office, directory, long_ago) == (), "the office has no device, and the newest roster always"
    assert trained_until("anna", directory, START_MS) == over
    assert trained_until("bo", directory, START_MS) == trained_until("nobody", directory, START_MS) == ""


@pytest.mark.parametrize(
    ("policy", "past_ms", "expected"),
    [
        (None, DAY_MS + TOLERANCE_MS, False),
        (None, DAY_MS + TOLERANCE_MS + 1, True),
        (None, -DAY_MS, False),
        (PATIENT, 3 * DAY_MS, False),
        (PATIENT, 3 * DAY_MS + HOUR_MS, True),
    ],
)
def test_a_roster_is_stale_once_it_has_been_replaced_for_longer_than_the_policy_likes(
    policy: Policy | None, past_ms: int, expected: bool
) -> None:
    assert is_stale(Made(at_ms=START_MS + past_ms, policy=policy, replaced_ms=START_MS)) is expected


def test_a_roster_that_nobody_had_to_change_does_not_grow_old() -> None:
    assert not is_stale(Made(at_ms=START_MS + 400 * DAY_MS))
