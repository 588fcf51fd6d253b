"""A backend lost and restored from yesterday's backup under running devices, in real processes: nothing is lost."""

import json
import signal

import pytest

from backend.commands import loss, people, sites, verify
from device.store import pulled
from tests.together.crew import Field

pytestmark = pytest.mark.anyio


async def test_yesterdays_backup_under_running_devices_is_filled_again_in_one_round(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    first = await field.hand_over("before")
    await field.round()
    code = field.office.code("tablet")  # made before the backup, used after it
    yesterday = field.backup("yesterday")
    before = field.epoch

    tablet = await field.enrol("tablet", code)  # a device that the restored backend does not know
    second = await field.hand_over("after")
    await field.agents["phone-bo"].jobs.note("bo", first, "one more")
    done = field.call("/api/jobs", {"action": "opens-one-job", "site": "site-1"})
    assert done["job"]
    await field.round()
    await field.round()  # all have pulled what the others pushed
    held = field.events(staff=False)
    office = field.events(staff=True)
    open_code = field.office.code("phone-anna")

    field.restore(yesterday)
    renewed = field.epoch
    assert renewed != before
    assert len(field.events(staff=False)) < len(held)
    await field.round()
    assert field.events(staff=False) == held
    assert office.items() <= field.events(staff=True).items(), "what all had pulled of the office's was given back"
    assert field.epoch == renewed, "one new epoch, not one a device"
    await field.round()
    await field.settled()
    for agent in field.agents.values():
        assert (await agent.holding.store.reading(pulled.conversation)).epoch == renewed
    assert verify.main(["--database", str(field.office.database)]) == 0
    for job in (first, second):
        assert tablet.holding.memory.journey(job).accountable == "bo"
    assert field.setting("SELECT count(*) FROM enrol_code WHERE kid IS NULL AND NOT voided") == 0
    assert open_code


async def test_what_the_office_did_and_nobody_held_is_listed_and_declared_lost(
    field: Field, capsys: pytest.CaptureFixture[str]
) -> None:
    field.office._run(people.main, "add", "max", "--role", "manager", "--site", "*")
    field.office._run(sites.main, "add", "site-2")
    anna = await field.enrol("phone-anna")
    database = ("--database", str(field.office.database))
    yesterday = field.backup("yesterday")
    for number in range(3):
        field.call("/api/jobs", {"action": f"opens-near-{number}", "site": "site-1"})
        field.call("/api/jobs", {"action": f"opens-far-{number}", "site": "site-2"})  # in nobody's scope
    await field.round()
    office = field.events(staff=True)
    field.restore(yesterday)
    await field.round()
    held = field.events(staff=True)
    gone = office.keys() - held.keys()
    assert len(gone) == 3

    def missing() -> list[dict[str, object]]:
        capsys.readouterr()
        assert loss.main(["list", "--json", *database]) == 0
        return list(json.loads(capsys.readouterr().out)["gaps"])

    listed = {
        (str(gap["log"]), seq) for gap in missing() for seq in range(int(str(gap["from"])), int(str(gap["to"])) + 1)
    }
    assert listed == gone, "none is silently missing, and none is missing that is held"
    assert loss.main(["declare", "--by", "dee", "--all", *database]) == 2, "it takes a manager"
    assert loss.main(["declare", "--by", "max", "--all", *database]) == 0
    assert missing() == []
    declared = [json.loads(raw)["body"] for raw in field.events(staff=True).values() if b'"loss.declared"' in raw]
    assert verify.main(["--database", str(field.office.database)]) == 0
    assert {(body["log"], seq) for body in declared for seq in range(body["from"], body["to"] + 1)} == gone
    await field.round()
    assert len(anna.holding.memory.jobs()) == 3


async def test_a_device_that_comes_back_weeks_later_brings_what_it_had_and_begins_no_new_epoch(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    yesterday = field.backup("yesterday")
    job = await field.hand_over("after")
    await field.round()
    await field.round()
    held = field.events(staff=False)
    bo = field.agents.pop("phone-bo")
    field.restore(yesterday)
    renewed = field.epoch
    await field.round()
    assert field.office.end(signal.SIGTERM) == 0
    field.office.start()
    assert field.office.ready()
    await bo.jobs.note("bo", job, "recorded while away")
    field.agents["phone-bo"] = bo
    await field.round()
    assert held.items() < field.events(staff=False).items()
    assert field.epoch == renewed
    await field.round()
    await field.settled()


async def test_two_restores_in_a_row_end_where_one_does(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    yesterday = field.backup("yesterday")
    await field.hand_over("one")
    await field.round()
    await field.round()
    held = field.events(staff=False)
    epochs = {field.epoch}
    for turn in range(2):
        field.restore(yesterday)
        await field.agents["phone-anna"].sync()  # bo has not been here yet when it is restored again
        if turn:
            await field.hand_over("two")
        await field.round()
        assert held.items() <= field.events(staff=False).items()
        epochs.add(field.epoch)
    await field.round()
    await field.settled()
    assert len(epochs) >= 3


async def test_a_file_put_in_place_by_hand_is_found_out_by_the_first_device(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    yesterday = field.backup("yesterday")
    before = field.epoch
    await field.hand_over("after")
    await field.round()
    await field.round()
    held = field.events(staff=False)
    assert field.office.end() == -signal.SIGKILL
    for tail in ("-wal", "-shm"):
        field.office.database.with_name(field.office.database.name + tail).unlink(missing_ok=True)
    field.office.database.write_bytes((yesterday / "handover.db").read_bytes())
    field.office.start()
    assert field.office.ready()
    assert field.epoch == before, "nobody told it"
    await field.agents["phone-bo"].sync()
    renewed = field.epoch
    assert renewed != before
    await field.round()
    assert field.epoch == renewed, "one new epoch, not one a device"
    assert field.events(staff=False) == held
    await field.round()
    await field.settled()


async def test_a_log_that_was_replaced_is_sent_again_with_the_key_it_was_signed_with(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    yesterday = field.backup("yesterday")
    job = await field.hand_over("of the former log")
    await field.round()
    former = field.agents["phone-anna"].holding.row
    anna = await field.enrol_anew("phone-anna")
    assert (anna.holding.row.log, anna.holding.row.kid) != (former.log, former.kid)
    await anna.jobs.note("anna", job, "of the new log")
    await field.round()
    held = field.events(staff=False)
    assert former.log in {name for name, _ in held}
    assert any(f'"former":"{former.log}"'.encode() in raw for raw in held.values())
    field.restore(yesterday)
    await field.round()
    assert field.events(staff=False) == held
    await field.round()
    await field.settled()


async def test_a_log_that_was_continued_twice_is_so_again_after_a_restore(field: Field) -> None:
    for device in ("phone-anna", "phone-bo"):
        await field.enrol(device)
    await field.round()
    anna = field.agents["phone-anna"]
    job = await field.hand_over("before")
    await field.round()
    yesterday = field.backup("yesterday")
    twin = await field.clone("phone-anna", "twin")
    await anna.jobs.note("anna", job, "on the phone")
    await twin.jobs.note("anna", job, "on its clone")
    other = await twin.jobs.open("anna", site="site-1")
    await field.round()
    await field.round()
    held = field.branches()
    assert len(set(held)) == len(held) == len({(log, seq) for log, seq, _ in held}) + 1, "one name, two events"
    for agent in (anna, twin):
        assert (await agent.status()).state == "stopped"
    field.restore(yesterday)
    await field.round()
    assert field.branches() == held
    await field.round()
    bo = field.agents["phone-bo"].holding.memory
    assert bo.journey(job).accountable == "bo", "what was handed over stands"
    assert bo.journey(other).accountable == "anna"
    assert verify.main(["--database", str(field.office.database)]) == 0
