"""The demo shows a day that held, counts what it says, and finds what is broken on purpose."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Client as HttpClient

from trial.demo import DAY
from trial.reading import read_play
from trial.steps import VOCABULARY

HANDOVER = str(Path(sys.executable).parent / "handover")
Json = dict[str, Any]


def run(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HANDOVER, "demo", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"COLUMNS": "80"} | more,
    )


@pytest.fixture(scope="module")
def facts() -> Iterator[Json]:
    """What one whole demo says; the backend that it keeps up until then stops well at Ctrl-C."""
    shown = subprocess.Popen([HANDOVER, "demo", "--json", "--keep"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert shown.stdout is not None
    try:
        said: Json = json.loads(shown.stdout.readline())
        yield said
        shown.send_signal(signal.SIGINT)
        rest, errors = shown.communicate(timeout=30)
        assert (shown.returncode, rest) == (0, b"")
        assert errors.decode().splitlines()[0] == f"handover serves at {said['kept']['address']}"
    finally:
        shown.kill()
        shown.communicate()
    shutil.rmtree(Path(said["kept"]["directory"]).parents[1])


def test_everything_held_and_was_looked_at(facts: Json) -> None:
    invariants = facts["invariants"]
    assert len(invariants) >= 8
    assert [name for name, one in invariants.items() if not one["held"] or one["checked"] < 1] == []
    assert facts["held"] is True
    assert facts["differences"] == []


def test_nothing_is_lost_and_nothing_counts_twice_though_it_was_sent_again_and_killed(facts: Json) -> None:
    said = facts
    assert (said["lost"], said["applied_twice"]) == (0, 0)
    assert said["resent"] > 0
    assert said["killed"] > 0
    assert said["recorded"] > 50
    assert said["pictures"] >= 4


def test_the_known_truth_stands_beside_the_estimate(facts: Json) -> None:
    avoided = facts["avoided"]
    assert avoided["low"] < avoided["estimate"] < avoided["high"]
    assert avoided["low"] > 0
    assert avoided["low"] <= avoided["truth"] <= avoided["high"]
    assert avoided["grade"].startswith("A")
    assert 0 < avoided["at_the_check"] < avoided["estimate"]
    assert avoided["sites"] >= 24
    assert avoided["never_live"] >= 2
    assert avoided["visits"] >= 15_000
    assert avoided["immature"] > 0


def test_every_job_has_somebody_and_says_since_when(facts: Json) -> None:
    jobs = {one["job"]: one for one in facts["accountable"]}
    assert len(jobs) >= 4
    assert all(one["party"] and one["since"] for one in jobs.values())


def test_the_day_shows_each_way_a_handover_can_go(facts: Json) -> None:
    one = facts["handovers"]
    for way in (
        "by_codes",
        "remote",
        "guests",
        "refusals",
        "withdrawn",
        "reserved",
        "lapsed",
        "escalated",
        "contested",
    ):
        assert one[way] > 0, way
    assert {"cleared"} <= set(facts["gaps"].values())
    assert facts["merged"]
    assert all(contest["state"] == "resolved" for contest in facts["contested"])
    assert {"corroborated", "contradicted"} <= {one["label"] for one in facts["signals"]}


def test_completeness_counts_every_accepted_handover_once_for_each_element(facts: Json) -> None:
    accepted = facts["handovers"]["accepted"]
    for element, count in facts["completeness"].items():
        assert sum(count.values()) == accepted, element


@pytest.mark.parametrize(("fault", "fact", "invariant"), [("lose", "lost", "I1 "), ("twice", "applied_twice", "I2 ")])
def test_a_fault_planted_on_purpose_is_found_and_counted(fault: str, fact: str, invariant: str) -> None:
    done = run("--fast", "--json", "--plant", fault)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["planted"] == fault
    assert said[fact] > 0
    assert [name for name, one in said["invariants"].items() if not one["held"] and name.startswith(invariant)]


def test_without_a_terminal_it_is_plain_lines_of_eighty_columns_that_name_what_broke() -> None:
    done = run("--fast", "--plant", "accountable")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    for said in ("for trials only", "Who is accountable", "Repeat visits avoided", "known truth", "Where to look next"):
        assert said in done.stdout
    assert re.search(r"I8 all sides name the same accountable party +\d+ +NO", done.stdout)


def test_the_backend_that_is_kept_up_answers(facts: Json) -> None:
    kept = facts["kept"]
    with HttpClient(base_url=kept["address"]) as client:
        jobs = client.get("/api/jobs", headers={"Authorization": f"Bearer {kept['token']}"}).json()["jobs"]
    assert {one["state"] for one in jobs} >= {"open", "resolved"}
    assert len(jobs) >= 4


def test_everybody_of_the_office_signs_in_as_was_printed(facts: Json) -> None:
    kept = facts["kept"]
    ways = {one["role"]: one for one in kept["sign_ins"]}
    assert list(ways) == ["admin", "dispatcher", "depot", "manager"]
    for role, way in ways.items():
        with HttpClient(base_url=kept["address"], headers={"sec-fetch-site": "same-origin"}) as client:
            typed = {"person": way["person"], "password": way["password"]}
            answer = client.post("/sign-in", data=typed)
            assert answer.status_code == 303, (role, answer.text)
            session = answer.headers["set-cookie"].partition(";")[0]
            there = client.get("/set-up/data/sites" if role == "admin" else "/data/sites", headers={"cookie": session})
            assert there.status_code == 200, role
            assert "North pumping station" in there.text


def test_a_device_of_ones_own_is_enrolled_with_the_code_that_was_printed(facts: Json, tmp_path: Path) -> None:
    words = [HANDOVER, "device", "enrol", "--dir", str(tmp_path / "phone"), facts["kept"]["enrolment"]]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    synced = subprocess.run([*words[:2], "sync", *words[3:5]], capture_output=True, text=True, check=False, timeout=60)
    assert synced.returncode == 0, synced.stderr


TOLD = {
    *("Dispatch", "Merge", "Arrive", "Scan", "Signal", "Close"),
    *("Offer", "Accept", "Refuse", "Confirm", "Withdraw", "Resolve", "Wait"),
    *("GoOffline", "GoOnline", "LoseReply", "Kill"),
}
"""The day's story: what somebody who has never seen the product wants to see happen."""


def test_the_day_tells_the_whole_story() -> None:
    play = read_play(DAY.read_bytes())
    used = {type(timed.step).__name__ for timed in play.steps}
    assert {step.__name__ for step in VOCABULARY} >= TOLD
    assert sorted(TOLD - used) == []
    assert re.search(r"\d{1,2} March 2026", play.scenario.name)


def test_bad_arguments_end_with_2() -> None:
    assert run("--plant", "everything").returncode == 2
