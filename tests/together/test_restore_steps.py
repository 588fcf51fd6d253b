"""What `handover backup --help` says to do after a loss is done here, step by step, as it stands there."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.commands import people, sites
from tests.together.crew import PAYLOAD, Field
from tests.together.sender import photo

pytestmark = pytest.mark.anyio
HANDOVER = Path(sys.executable).with_name("handover")
STEP = re.compile(r"^ +(\d+)\. (.+)$", re.MULTILINE)


def handover(*words: str) -> str:
    done = subprocess.run([HANDOVER, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def steps() -> list[str]:
    """The numbered steps, each as its first line."""
    found = STEP.findall(handover("backup", "--help").partition("To restore it")[2])
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return [step for _, step in found]


async def test_the_steps_of_the_help_bring_back_all_that_anybody_holds_and_tell_the_rest(field: Field) -> None:
    office = field.office
    office._run(sites.main, "add", "site-2")
    office._run(people.main, "add", "max", "--role", "manager", "--site", "*")
    anna = await field.enrol("phone-anna")
    await field.enrol("phone-bo")
    job = await anna.jobs.open("anna", site="site-1")
    picture = anna.attaching.attach(photo(1), "photo")
    await anna.jobs.note("anna", job, "see the photo", blobs=picture)
    while (await anna.status()).attached.blobs:
        await anna.sync()
    handover("backup", str(field.folder / "yesterday"), "--database", str(office.database))
    await field.hand_over("after")
    for site in ("site-2", "site-1"):  # the first is in nobody's scope
        field.call("/api/jobs", {"action": f"opens-at-{site}", "site": site})
    await field.round()
    await field.round()
    epoch, devices, staff = field.epoch, field.events(staff=False), field.events(staff=True)

    place = office.database
    done: list[str] = []
    for step in steps():
        command = step.replace("FOLDER", str(field.folder / "yesterday")).replace("FILE", str(place))
        words = command.replace("MANAGER", "max").split()
        done.append(" ".join(step.split()[:3]))
        if step == "Stop the server.":
            assert office.end(signal.SIGTERM) == 0
            shutil.rmtree(place.with_name(place.name + ".blobs"))  # the disk is gone, and all that was on it
            for path in place.parent.glob("handover.db*"):
                path.unlink()
        elif words[:2] == ["handover", "serve"]:
            office.serve_by(str(HANDOVER), *words[1:], "--port", str(office.port))
            assert office.ready()
            await field.round()  # "let every device sync once"
        elif words[:3] == ["handover", "loss", "declare"]:
            lost = staff.keys() - field.events(staff=True).keys()
            assert lost, "what nobody had pulled is lost"
            handover(*words[1:])
        else:
            said = handover(*words[1:])
            assert step.startswith("handover ")
            if words[1:3] == ["loss", "list"]:
                assert "(the office's)" in said
    assert done == [
        "Stop the server.",
        "handover restore FOLDER",
        "handover serve --database",
        "handover loss list",
        "handover loss declare",
        "handover verify --database",
    ]
    assert field.epoch != epoch
    assert field.events(staff=False) == devices
    assert handover("loss", "list", "--database", str(place)).startswith("nothing is missing")
    for one in picture:
        path = place.with_name(place.name + ".blobs") / one.sha256[:2] / one.sha256
        assert path.stat().st_size == one.size
    await field.round()
    await field.settled()
    offer = await anna.offering.offer("anna", job, PAYLOAD, ["bo"])
    assert offer.event, "and work goes on"
