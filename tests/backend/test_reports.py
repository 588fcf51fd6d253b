"""Reports as of a day: the numbers of the statement, the same on every later day, for whoever may see them."""

import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from httpx import AsyncClient

from backend.history import Material, Table, import_visits, keep_severity, material
from backend.intake import Intake
from backend.measures.maturity import LATE_MS, LONGEST_WAIT_MS, Received
from backend.measures.statement import Settings, Statement, rounded, statement_of
from backend.reports import avoided, avoided_words, visit_report, visit_words
from sync.clock import Anchor, rfc3339
from sync.events import CheckFound, VisitArrived, VisitDeparted
from sync.visits import DAY_MS
from tests.backend.people import NOON, Author, FixedWorld, Staff
from trial.cli import main
from trial.history import SEVERITY, History, Plan, history, switch_on_csv, visits_csv

pytestmark = pytest.mark.anyio
Enrol = Callable[..., Awaitable[Author]]
SignIn = Callable[[str], Awaitable[Staff]]
Facts = dict[str, Any]

HOUR_MS = 3_600_000
SMALL = Plan(weeks=70, cohorts=2, cohort_sites=2, never_live=2, first_switch_week=30, cohort_weeks=8)


@cache
def drawn() -> History:
    return history(3, SMALL)


@cache
def stated() -> Statement:
    """The statement that the history's own visits make, each known when it was over."""
    world = drawn()
    received = [Received(one, one.departed_ms or one.arrived_ms or 0) for one in world.visits]
    return statement_of(received, world.switch_on, {}, world.as_of_ms, Settings(severity=SEVERITY))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the drawn history, imported by the command."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "visits.csv").write_text(visits_csv(drawn().visits))
    (folder / "sites.csv").write_text(switch_on_csv(drawn().switch_on))
    files = [str(folder / "visits.csv"), "--switch-on", str(folder / "sites.csv")]
    path = folder / "handover.db"
    assert main(["import", "visits", *files, "--severity", ",".join(SEVERITY), "--database", str(path)]) == 0
    return path


def printed(capsys: pytest.CaptureFixture[str], database: Path, *args: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["report", *args, "--database", str(database)]) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def facts_of(capsys: pytest.CaptureFixture[str], database: Path, *args: str) -> Facts:
    facts: Facts = json.loads(printed(capsys, database, *args, "--json"))
    return facts


def as_of() -> str:
    return rfc3339(drawn().as_of_ms)


# -- the command --------------------------------------------------------------
def test_the_command_says_the_numbers_of_the_statement(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = facts_of(capsys, database, "avoided", "--as-of", as_of())
    total = stated().total
    assert total.estimate is not None
    for name in ("estimate", "low", "high", "expected", "observed", "phi"):
        assert facts[name] == rounded(getattr(total.estimate, name))
    assert (facts["state"], facts["grade"], facts["mode"]) == (total.state, total.grade, total.mode)
    assert (facts["itemised"], facts["not_itemised"]) == (rounded(stated().itemised), rounded(stated().not_itemised))
    assert facts["manifest"]["input_digest"] == stated().manifest.input_digest
    assert facts["manifest"]["switch_on"] == drawn().switch_on
    assert facts["manifest"]["settings"]["severity"] == list(SEVERITY)
    assert facts["counts"]["immature"] > 0
    assert facts["later"] == 0


def test_the_estimate_of_an_imported_history_holds_its_truth(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = facts_of(capsys, database, "avoided", "--as-of", as_of())
    truth = drawn().truth(drawn().as_of_ms - LATE_MS)
    assert facts["low"] <= truth.total <= facts["high"]
    assert (facts["visits"], facts["observed"]) == (truth.visits, truth.observed)


def test_the_words_say_estimate_interval_grade_part_and_rest(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = printed(capsys, database, "avoided", "--as-of", as_of())
    made, part = stated().total.estimate, stated().itemised
    assert made is not None
    assert part is not None
    assert stated().sentence in said
    assert f"State {stated().total.state}, grade {stated().total.grade}: " in said
    assert f"Estimate {made.estimate:.1f}, 95 % from {made.low:.1f} to {made.high:.1f}" in said
    assert f"Of which at the check: {part:.1f}. Not itemised: {made.estimate - part:.1f}." in said
    assert "of " + str(stated().counts.immature) + " more the window is not known to be over" in said


def test_where_there_is_not_enough_the_words_say_of_what_and_when_it_will_be_there(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = rfc3339(min(drawn().switch_on.values()) + 50 * DAY_MS)
    facts = facts_of(capsys, database, "avoided", "--as-of", early)
    assert facts["state"] == "NOT_ENOUGH_DATA"
    missing = {one["what"]: one for one in facts["missing"]}
    assert missing["visits_after"]["expected_at_ms"] > facts["manifest"]["as_of_ms"]
    assert facts["later"] > 0
    said = printed(capsys, database, "avoided", "--as-of", early)
    due = rfc3339(missing["visits_after"]["expected_at_ms"])[:10]
    assert "Not enough data yet." in said
    assert facts["estimate"] is not None
    assert "Estimate" not in said
    assert f"Missing: visits after it whose window is over, {missing['visits_after']['have']:.0f} of 100" in said
    assert f"expected on {due}" in said
    assert f"{facts['later']} facts became known after this day" in said


def test_a_date_alone_is_its_midnight_and_now_is_where_nothing_is_said(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert facts_of(capsys, database, "avoided", "--as-of", "2025-01-31")["as_of"] == "2025-01-31T00:00:00.000Z"
    assert facts_of(capsys, database, "visits")["as_of"] > "2025-06"


def test_mode_window_and_what_was_settled_beforehand_are_inputs(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wished = ("--mode", "trend", "--window-days", "14", "--preregistered", "--severity", "photo_missing, test_not_run")
    settings = facts_of(capsys, database, "avoided", "--as-of", as_of(), *wished)["manifest"]["settings"]
    assert (settings["mode"], settings["window_ms"]) == ("trend", 14 * DAY_MS)
    assert settings["proof"] == {"frozen": False, "preregistered": True, "randomised": False}
    assert settings["severity"] == ["photo_missing", "test_not_run"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("avoided", "--as-of", "yesterday"), "--as-of"),
        (("avoided", "--as-of", "2025-02-30"), "--as-of"),
        (("visits", "--window-days", "0"), "--window-days"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(
    database: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], said: str
) -> None:
    assert f"handover report: This cannot be understood: {said}: " in printed(capsys, database, *args, code=2)


def test_a_database_that_is_not_there_is_said_and_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.db"
    assert str(missing) in printed(capsys, missing, "avoided", code=2)
    assert not missing.exists()


def test_a_day_to_come_is_said_to_be_one(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "visits", "--as-of", "2999-01-01", "--json", "--database", str(database)]) == 0
    assert "still to come" in capsys.readouterr().err


def test_each_visit_is_listed_with_its_repeat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        "visit,job,site,type,asset,arrived_at,departed_at,outcome",
        "a,j1,north,corrective,pump,2025-03-01T08:00:00Z,2025-03-01T09:00:00Z,done",
        "b,j1,north,corrective,pump,2025-03-01T10:00:00Z,2025-03-01T11:00:00Z,done",
        "c,j2,north,corrective,pump,2025-03-05T08:00:00Z,2025-03-05T09:00:00Z,no_access",
        "d,j2,north,corrective,pump,2025-03-20T08:00:00Z,2025-03-20T09:00:00Z,done",
        "e,j3,north,corrective,,2025-03-20T08:00:00Z,2025-03-20T09:00:00Z,done",
        "f,j4,north,corrective,pump,,,cancelled",
    )
    (tmp_path / "visits.csv").write_text("\n".join(rows))
    path = tmp_path / "handover.db"
    assert main(["import", "visits", str(tmp_path / "visits.csv"), "--database", str(path)]) == 0
    facts = facts_of(capsys, path, "visits", "--as-of", "2025-06-01")
    assert facts["repeats"] == {"a": "d"}
    listed = {one["visit"]: one for one in facts["visits"]}
    assert {name: (one["members"], one["repeat"], one["standing"], one["first"]) for name, one in listed.items()} == {
        "a": (["a", "b"], "d", "index", True),
        "d": (["d"], None, "index", False),
        "e": (["e"], None, "no_key", True),
    }
    assert (listed["a"]["reason"], listed["a"]["departed_at"]) == ("fault", "2025-03-01T11:00:00.000Z")
    assert facts["aborted"] == [{"visit": "c", "job": "j2", "site": "north", "outcome": "no_access", "came_back": "d"}]
    assert facts["unattended"] == ["f"]
    assert facts["alarms"] == ["unmatchable"]
    assert [(one["days"], one["visits"], one["repeats"], one["rate"]) for one in facts["rates"]] == [
        (30.0, 2, 1, 0.5),
        (14.0, 2, 0, 0.0),
    ]
    assert facts_of(capsys, path, "visits", "--as-of", "2025-06-01", "--window-days", "14")["repeats"] == {}
    said = printed(capsys, path, "visits", "--as-of", "2025-06-01")
    assert "within 30 days: 1 of 2 were repeated, 50.0%" in said
    assert "repeated by d (fault)" in said
    early = facts_of(capsys, path, "visits", "--as-of", "2025-03-21")
    assert [one["mature"] for one in early["visits"]] == [False, False, False]
    assert early["rates"][0]["rate"] is None
    assert "no visit whose window is over" in printed(capsys, path, "visits", "--as-of", "2025-03-21")


# -- words of rarer statements ------------------------------------------------
def test_a_part_that_does_not_fit_into_the_whole_is_said() -> None:
    statement = msgspec.structs.replace(stated(), reconciled=False)
    assert "These do not fit together" in avoided_words(statement, 0)
    alone = msgspec.structs.replace(stated(), not_itemised=None)
    assert "Not itemised" not in avoided_words(alone, 0)
    nothing = msgspec.structs.replace(stated(), itemised=None, not_itemised=None)
    assert "Of which at the check" not in avoided_words(nothing, 0)


# -- visits that were recorded here -------------------------------------------
async def attended(
    dora: Staff,
    client: AsyncClient,
    anna: Author,
    visit: str,
    *,
    gap: str | None = None,
    world: FixedWorld | None = None,
) -> str:
    """Anna comes to the pump in the north, checks if a gap is given, leaves after an hour, and syncs; the job's id.

    That hour passes in the `world` too, where it is given.
    """
    job = await dora.open_job(asset="pump", trade="cooling")
    body = VisitArrived(visit=visit, site="north", asset="pump", type="corrective", trade="cooling")
    anna.record("visit.arrived", body, job=job)
    if gap is not None:
        anna.record("check.found", CheckFound(check=f"c {visit}", visit=visit, arm="prompt", gap=gap), job=job)
    anna.clock_ms += HOUR_MS
    anna.record("visit.departed", VisitDeparted(visit=visit), job=job)
    if world is not None:
        world.clock_ms += HOUR_MS
    await anna.sign_in(client)
    await anna.push(client)
    return job


async def found_at(intake: Intake, as_of_ms: int) -> Material:
    return await intake.store.reading(lambda con: material(con, as_of_ms))


async def test_visits_recorded_here_stand_beside_the_imported_ones(
    client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    row = f"old,j0,north,corrective,pump,{rfc3339(NOON - 3 * DAY_MS)},{rfc3339(NOON - 2 * DAY_MS)},done"
    table = Table("visits.csv", f"visit,job,site,type,asset,arrived_at,departed_at,outcome\n{row}\n".encode())
    await intake.do(lambda writing: import_visits(writing.con, table, None, NOON))
    await intake.do(lambda writing: keep_severity(writing.con, ["z_gap", "a_gap"]))

    job = await attended(dora, client, anna, "v1", gap="a_gap", world=world)

    found = await found_at(intake, world.clock_ms)
    [live] = [one.visit for one in found.received if one.visit.id in found.live]
    assert (live.id, live.job, live.site, live.asset, live.trade) == ("v1", job, "north", "pump", "cooling")
    assert (live.arrived_ms, live.departed_ms, live.outcome) == (NOON, NOON + HOUR_MS, "done")
    assert (live.gap, live.arm) == ("a_gap", "prompt")
    report = await dora.get("/api/reports/visits")
    assert report["repeats"] == {"old": "v1"}
    assert {one["visit"]: one["recorded_here"] for one in report["visits"]} == {"old": False, "v1": True}


async def test_measures_cut_a_clock_that_is_ahead_keep_what_was_said_and_tell_the_share_that_is_unsure(
    client: AsyncClient, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    said = rfc3339(NOON - HOUR_MS)
    job = await dora.open_job(asset="pump", trade="cooling")
    anna.clock_ms += DAY_MS  # and no signed time to hold it against
    for visit, occurred_at in (("by-clock", ""), ("as-said", said)):
        body = VisitArrived(visit=visit, site="north", asset="pump", trade="cooling", occurred_at=occurred_at)
        anna.record("visit.arrived", body, job=job)
        anna.record("visit.departed", VisitDeparted(visit=visit, occurred_at=occurred_at), job=job)
    await anna.sign_in(client)
    await anna.push(client)
    rows = {row["id"]: row for row in (await dora.get(f"/api/jobs/{job}"))["visits"]}
    assert (rows["by-clock"]["arrived_ms"], rows["as-said"]["arrived_ms"]) == (NOON, NOON - HOUR_MS)
    assert (rows["by-clock"]["unsure"], rows["as-said"].get("unsure")) == (["arrived", "departed"], None)
    report = await dora.get("/api/reports/visits")
    members = [one["members"] for one in report["visits"]]
    assert report["unsure_share"] == sum("by-clock" in one for one in members) / len(members)
    statement = await dora.get("/api/reports/avoided")
    assert statement["counts"]["unsure_share"] == report["unsure_share"]


async def test_a_signed_time_tells_when_somebody_came_whose_device_was_offline_for_hours(
    client: AsyncClient, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job = await dora.open_job(asset="pump", trade="cooling")
    shares = []
    for visit in ("before", "after"):
        if visit == "after":
            await anna.pull(client)
            (line,) = anna.times
            mono = anna.clock_ms - NOON
            anna.anchor = Anchor(id=msgspec.json.decode(line.raw)["id"], mono=mono, trip=0)
        anna.clock_ms += HOUR_MS
        anna.record("visit.arrived", VisitArrived(visit=visit, site="north", asset=visit, trade="cooling"), job=job)
        anna.record("visit.departed", VisitDeparted(visit=visit), job=job)
        anna.clock_ms = world.clock_ms = world.clock_ms + 9 * HOUR_MS
        await anna.sign_in(client)
        await anna.push(client, len(anna.events) - 1)
        shares.append((await dora.get("/api/reports/visits"))["unsure_share"])
    rows = {row["id"]: row.get("unsure", []) for row in (await dora.get(f"/api/jobs/{job}"))["visits"]}
    assert rows == {"before": [], "after": []}, "of both: within one boot it can be counted back as well"
    assert shares == [1.0, 0.0]


async def test_what_arrives_late_changes_no_number_of_before(
    client: AsyncClient, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    await attended(dora, client, anna, "v1")
    early = world.clock_ms + DAY_MS
    before = await dora.get("/api/reports/visits", as_of=rfc3339(early))
    statement = await dora.get("/api/reports/avoided", as_of=rfc3339(early))

    world.clock_ms += 2 * DAY_MS
    anna.clock_ms += 5 * HOUR_MS
    await attended(dora, client, anna, "v2")

    assert before | {"later": 1} == await dora.get("/api/reports/visits", as_of=rfc3339(early))
    assert statement | {"later": 1} == await dora.get("/api/reports/avoided", as_of=rfc3339(early))
    now = await dora.get("/api/reports/visits")
    assert now["repeats"] == {"v1": "v2"}


async def test_one_visit_to_two_jobs_is_an_attendance_of_each(
    client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    first = await attended(dora, client, anna, "v1")
    assert (await found_at(intake, world.clock_ms)).live == {"v1"}
    second = await attended(dora, client, anna, "v1")
    assert (await found_at(intake, world.clock_ms)).live == {f"v1/{first}", f"v1/{second}"}
    assert len(visit_report(await found_at(intake, world.clock_ms), Settings()).visits) == 2


async def test_a_site_is_known_as_far_as_its_devices_have_synced_and_stays_so(
    client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    await attended(dora, client, anna, "v1")
    as_of_ms = world.clock_ms + DAY_MS
    assert (await found_at(intake, as_of_ms)).synced_through == {"north": [world.clock_ms]}

    world.clock_ms = NOON + 3 * DAY_MS
    await attended(dora, client, anna, "v2")
    assert (await found_at(intake, as_of_ms)).synced_through == {"north": [NOON]}
    later = NOON + 4 * DAY_MS
    assert (await found_at(intake, later)).synced_through == {"north": [world.clock_ms]}

    silent = await enrolled("cleo")
    assert silent.person == "cleo"
    assert sorted((await found_at(intake, later)).synced_through["north"]) == [0, world.clock_ms]
    [mark] = avoided(await found_at(intake, later), Settings()).manifest.watermarks.values()
    assert mark == later - LONGEST_WAIT_MS


async def test_a_device_with_more_to_send_has_not_synced_through(
    client: AsyncClient, intake: Intake, world: FixedWorld, enrolled: Enrol, staff: SignIn
) -> None:
    dora, anna = await staff("dora"), await enrolled("anna")
    job = await dora.open_job()
    anna.record("visit.arrived", VisitArrived(visit="v1", site="north"), job=job)
    anna.record("visit.departed", VisitDeparted(visit="v1"), job=job)
    await anna.push(client, 2, 2)
    assert (await found_at(intake, world.clock_ms)).synced_through == {"north": [0]}
    await anna.push(client, 3, 3)
    assert (await found_at(intake, world.clock_ms)).synced_through == {"north": [world.clock_ms]}


async def test_a_report_holds_the_sites_in_the_readers_scope_and_asks_for_a_role(
    client: AsyncClient, intake: Intake, staff: SignIn
) -> None:
    rows = "\n".join(
        f"{site}-{at},{site}-j{at},{site},corrective,{site}-pump,2025-03-0{at}T08:00:00Z,2025-03-0{at}T09:00:00Z,done"
        for site in ("north", "south")
        for at in (1, 5)
    )
    table = Table("visits.csv", f"visit,job,site,type,asset,arrived_at,departed_at,outcome\n{rows}\n".encode())
    await intake.do(lambda writing: import_visits(writing.con, table, None, NOON))
    dora, nick, max_ = await staff("dora"), await staff("nick"), await staff("max")
    assert set((await dora.get("/api/reports/visits"))["repeats"]) == {"north-1", "south-1"}
    assert set((await nick.get("/api/reports/visits"))["repeats"]) == {"north-1"}
    assert list((await nick.get("/api/reports/avoided"))["manifest"]["watermarks"]) == ["north"]
    statement = await max_.get("/api/reports/avoided", as_of="2026-01-01T00:00:00Z")
    assert (statement["state"], statement["estimate"]) == ("NOT_ENOUGH_DATA", None)
    assert (await (await staff("anna")).get("/api/reports/avoided", 403))["type"].endswith("not-permitted")
    assert (await client.get("/api/reports/visits")).status_code == 401
    assert (await dora.get("/api/reports/visits", 400, as_of="soon"))["type"].endswith("unreadable")


async def test_an_empty_backend_says_that_there_is_nothing_yet(intake: Intake, world: FixedWorld) -> None:
    found = await found_at(intake, world.clock_ms)
    statement = avoided(found, Settings())
    assert statement.total.state == "NOT_ENOUGH_DATA"
    assert "Not enough data yet." in avoided_words(statement, 0)
    assert "no visit whose window is over" in visit_words(visit_report(found, Settings()))
