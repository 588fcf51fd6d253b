"""What the office prints, a device reads: enrolment cards and labels, from paper through pixels to what is recorded."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from backend.commands import devices, labels
from device.commands.table import main
from sync.cards import label_text
from tests.printed import codes_on, pages
from tests.together.office import Office

Run = Callable[..., Any]


@pytest.fixture
def handover(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a subcommand on a device: its facts, or what it said on stderr where the exit code is not 0."""

    def run(device: str, *args: str, exit_code: int = 0) -> Any:  # noqa: ANN401 - each command has its own facts
        capfd.readouterr()
        code = main([*args, "--dir", str(tmp_path / device), "--json"])
        out, err = capfd.readouterr()
        assert code == exit_code, err
        return json.loads(out) if out else err

    return run


@pytest.fixture
def printed(office: Office, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command of the office that prints: its pages as pictures, and the PDF."""

    def run(command: Any, *args: str, name: str) -> tuple[list[Path], Path]:  # noqa: ANN401 - a command's main
        pdf = tmp_path / name / "sheet.pdf"
        assert command([*args, "--pdf", str(pdf), "--json", "--database", str(office.database)]) == 0
        capfd.readouterr()
        return pages(pdf.read_bytes(), pdf.parent, 150), pdf

    return run


def typed_from(pdf: Path) -> list[str]:
    """Each text that is printed to be typed, its lines joined as one would type them."""
    texts: list[str] = []
    for line in "\n".join(page.extract_text() for page in PdfReader(pdf).pages).splitlines():
        if line.startswith("HE1:"):
            texts.append(line)
        elif texts and len(line) <= 44 and set(line) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_$%*+-./:"):
            texts[-1] += line
    return texts


def test_devices_enrol_from_a_printed_sheet_and_a_reprint_voids_what_was_printed(
    office: Office, printed: Run, handover: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("phone-anna", "phone-bo", "tablet", "--url", office.url, "--language", "pl")
    (first_page,), _ = printed(devices.main, "sheet", *words, name="first")
    (page,), pdf = printed(devices.main, "sheet", *words, name="again")
    old, new = codes_on(first_page), codes_on(page)
    assert len(old) == len(new) == 3
    by_place = sorted(new, key=lambda text: new[text][1])
    assert typed_from(pdf) == [text.replace(" ", "_") for text in by_place]

    assert "not" in handover("lost", "enrol", min(old, key=lambda text: old[text][1]), exit_code=2)
    assert handover("a", "enrol", by_place[0])["device"] == "phone-anna"
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed_from(pdf)[1] + "\n"))
    enrolled = handover("b", "enrol", "-")
    assert (enrolled["device"], enrolled["people"]) == ("phone-bo", ["bo"])
    assert "used" in handover("c", "enrol", by_place[0], exit_code=2)
    assert devices.main(["revoke-code", "tablet", "--database", str(office.database)]) == 0
    assert handover("d", "enrol", by_place[2], exit_code=2)


def test_printed_labels_are_known_to_a_device_and_lead_to_its_jobs(office: Office, printed: Run, handover: Run) -> None:
    handover("a", "enrol", office.code("phone-anna"))
    job = handover("a", "open", "--site", "site-1")["job"]
    (page,), _ = printed(labels.main, name="labels")
    assert codes_on(page).keys() == {label_text("site-1")}
    assert handover("a", "scan", str(page)) == {"kind": "label", "id": "site-1", "jobs": [job]}
    assert handover("a", "arrive", job, "--site", str(page))["visit"]
