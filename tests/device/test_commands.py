"""The command line of a device: each action by name, facts as JSON, and for bad input a sentence and exit 2."""

import asyncio
import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from device.commands.inputs import strictly
from device.commands.running import ABOUT
from device.commands.table import ACTIONS, main
from device.config import Settings, Tls, load_settings
from device.show import png
from device.store import pulled
from device.store.sqlite import open_store
from device.world import Machine
from sync.cards import label_text
from sync.clock import rfc3339
from sync.ids import is_name
from sync.payload import Payload
from sync.problems import BAD_ARGUMENT, BAD_SETTINGS, Problem
from tests.device.field import Field

Run = Callable[..., Any]
PAYLOAD = (
    "--summary",
    "the seal leaks",
    "--next",
    "Fit the seal|bo|2026-05-05T08:00:00Z",
    "--risk",
    "it leaks|close it",
)


@pytest.fixture
def field(tmp_path: Path) -> Field:
    field = Field(tmp_path, rfc3339(Machine().now_ms()))
    asyncio.run(field.enrol("phone-anna", "phone-bo", "shared"))
    return field


@pytest.fixture
def handover(field: Field, capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a subcommand on somebody's device: its facts, or what it said on stderr where the exit code is not 0."""

    def run(device: str, *args: str, exit_code: int = 0) -> Any:  # noqa: ANN401 - each command has its own facts
        capfd.readouterr()
        code = main([*args, "--dir", str(field.folder / device), "--json"])
        out, err = capfd.readouterr()
        assert code == exit_code, err
        assert "Traceback" not in err
        return json.loads(out) if out else err

    return run


@pytest.fixture
def job(handover: Run) -> str:
    opened: str = handover("phone-anna", "open", "--site", "site-1", "--asset", "pump-7")["job"]
    return opened


# -- a day on the command line -------------------------------------------------
def test_a_job_goes_from_hand_to_hand_by_pictures(handover: Run, field: Field, job: str) -> None:
    offer, answer = field.folder / "offer.png", field.folder / "answer.png"
    handover("phone-anna", "arrive", job)
    handover("phone-anna", "depart", job, exit_code=1)
    handover("phone-anna", "asset", job, "pump-7")
    handover("phone-anna", "depart", job, *PAYLOAD)
    shown = handover("phone-anna", "offer", job, "--to", "bo", *PAYLOAD, "--png", str(offer))
    seen = handover("phone-bo", "scan", str(offer))
    assert (seen["hash"], seen["sender"], seen["party"]) == (shown["hash"], "anna", "bo")
    picks = [word for choice in ("Fit the seal", "it leaks") for word in ("--pick", choice)]
    handover("phone-bo", "accept", str(offer), "--words", "seal", *picks, "--png", str(answer))
    handover("phone-anna", "confirm", str(answer))
    facts = handover("phone-anna", "job", job)
    assert facts["accountable"] == "bo"
    assert [(one["state"], one["confirmed"]) for one in facts["handovers"]] == [("accepted", True)]
    assert [one["job"] for one in handover("phone-bo", "jobs")["jobs"]] == [job]


def test_codes_are_typed_too_and_shown_again(handover: Run, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = handover("phone-anna", "offer", job, "--to", "bo", *PAYLOAD)
    assert handover("phone-anna", "show", shown["hash"])["texts"] == shown["texts"]
    assert handover("phone-bo", "look", *shown["texts"])["hash"] == shown["hash"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\x02" + shown["texts"][0] + "\r\n"))
    assert handover("phone-bo", "look", "-")["hash"] == shown["hash"]


def test_a_challenge_is_shown_as_a_picture_and_quoted_by_the_offer(handover: Run, field: Field, job: str) -> None:
    picture = field.folder / "challenge.png"
    asked = handover("phone-bo", "challenge", "--png", str(picture))
    assert handover("phone-anna", "scan", str(picture)) == {"kind": "challenge", "party": "bo"}
    shown = handover("phone-anna", "offer", job, *PAYLOAD, "--challenge", str(picture))
    seen = handover("phone-bo", "look", *shown["texts"])
    assert (seen["to"], asked["party"]) == (["bo"], "bo")
    typed = handover("phone-anna", "offer", job, *PAYLOAD, "--challenge", asked["texts"][0])
    refused = handover("phone-anna", "offer", job, *PAYLOAD, "--challenge", "HS1:site-1", exit_code=2)
    assert "challenge" in refused
    picks = [word for choice in ("Fit the seal", "it leaks") for word in ("--pick", choice)]
    handover("phone-bo", "accept", *shown["texts"], "--words", "seal", *picks)
    assert "challenge" in handover("phone-bo", "look", *typed["texts"], exit_code=2)


def test_a_shift_goes_over_by_two_codes(handover: Run, field: Field, job: str) -> None:
    other = handover("phone-anna", "open", "--site", "site-1")["job"]
    third = handover("phone-anna", "open", "--site", "site-1")["job"]
    shown = handover(
        "phone-anna", "offer", job, other, third, "--to", "bo", *PAYLOAD, "--png", str(field.folder / "s.png")
    )
    pictures = shown["pictures"]
    assert [one["job"] for one in shown["offers"]] == [job, other, third]
    assert [one["job"] for one in handover("phone-bo", "look", *pictures)["offers"]] == [job, other, third]
    assert "say which" in handover("phone-bo", "accept", *pictures, "--words", "ok", exit_code=2)
    picks = [word for choice in ("Fit the seal", "it leaks") for word in ("--pick", choice)]
    handover("phone-bo", "accept", *pictures, "--job", job, "--words", "seal", *picks)
    handover("phone-bo", "refuse", *pictures, "--job", other, "--reason", "no seal on the van")
    back = handover("phone-bo", "accept", *pictures, "--job", third, "--words", "seal", *picks)["texts"]
    assert [one["kind"] for one in handover("phone-anna", "scan", *back)["events"]] == [
        "handover.accepted",
        "handover.refused",
        "handover.accepted",
    ]
    taken = handover("phone-anna", "confirm", *back)["answers"]
    assert [(one["job"], one["kind"], one["problem"]) for one in taken] == [
        (job, "handover.accepted", ""),
        (other, "handover.refused", ""),
        (third, "handover.accepted", ""),
    ]
    assert [handover("phone-anna", "job", one)["accountable"] for one in (job, other, third)] == ["bo", "anna", "bo"]
    stopped = handover("phone-bo", "look", *pictures, exit_code=1)["offers"]
    assert [one.get("problem", "") for one in stopped] == ["already-accepted-here", "", "already-accepted-here"]


def test_each_job_of_a_shift_has_a_payload_of_its_own_and_a_bad_one_stays_behind(
    handover: Run, field: Field, job: str
) -> None:
    other = handover("phone-anna", "open", "--site", "site-1")["job"]
    full = {"state": "in_progress", "summary": "it leaks", "next_actions": [{"what": "Fit the seal"}]}
    file = field.folder / "payloads.json"
    file.write_text(json.dumps({job: full, other: {"summary": "nothing known"}}), "utf-8")
    shown = handover("phone-anna", "offer", job, other, "--to", "bo", "--payload", str(file), exit_code=1)
    assert ([one["job"] for one in shown["offers"]], shown["left"]) == (
        [job],
        [{"job": other, "problem": "element-missing"}],
    )
    seen = handover("phone-bo", "look", *shown["texts"])
    assert (seen["job"], seen["payload"]["summary"]) == (job, "it leaks")
    file.write_text(json.dumps({job: full}), "utf-8")
    assert other in handover("phone-anna", "offer", job, other, "--to", "bo", "--payload", str(file), exit_code=2)
    file.write_text(json.dumps({job: full, other: {"surprise": 1}}), "utf-8")
    assert "surprise" in handover("phone-anna", "offer", job, other, "--to", "bo", "--payload", str(file), exit_code=2)


def test_a_refusal_that_was_scanned_is_taken_for_the_answer_that_it_is(handover: Run, job: str) -> None:
    shown = handover("phone-anna", "offer", job, "--to", "bo", *PAYLOAD)
    refused = handover("phone-bo", "refuse", *shown["texts"], "--reason", "no seal on the van")
    assert handover("phone-anna", "confirm", *refused["texts"])["hash"]
    assert handover("phone-anna", "confirm", *refused["texts"])["hash"] is None
    (one,) = handover("phone-anna", "job", job)["handovers"]
    assert one["state"] == "refused"


@pytest.mark.parametrize("picture", ["nowhere/offer.png", "a-folder", "a-file/offer.png", "x" * 300 + ".png"])
def test_a_picture_that_cannot_be_is_told_before_anything_is_recorded(
    handover: Run, field: Field, job: str, picture: str
) -> None:
    (field.folder / "a-folder").mkdir()
    (field.folder / "a-file").write_text("")
    where = str(field.folder / picture)
    offer = handover("phone-anna", "offer", job, "--to", "bo", *PAYLOAD)
    before = handover("phone-anna", "status")["held"]["recorded"]
    for action in (
        ("offer", job, "--to", "bo", *PAYLOAD),
        ("accept", *offer["texts"], "--words", "seal"),
        ("refuse", *offer["texts"], "--reason", "no"),
        ("withdraw", offer["hash"]),
    ):
        said = handover("phone-anna", *action, "--png", where, exit_code=2)
        assert (where in said, "nothing was recorded" in said, said.count("\n")) == (True, True, 1)
    assert handover("phone-anna", "status")["held"]["recorded"] == before


def test_a_picture_that_could_not_be_drawn_leaves_what_was_recorded_and_says_so(
    field: Field, job: str, handover: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    full, device = field.folder / "full.png", str(field.folder / "phone-anna")
    full.symlink_to("/dev/full")  # takes every name and no byte, as a disk does that is full
    assert main(["offer", job, "--to", "bo", *PAYLOAD, "--dir", device, "--png", str(full)]) == 2
    out, err = capfd.readouterr()
    recorded, hash_ = out.splitlines()
    assert recorded.startswith("recorded: offer")
    assert "handover device show HASH" in err
    drawn = field.folder / "offer.png"
    assert handover("phone-anna", "show", hash_.strip(), "--png", str(drawn))["pictures"] == [str(drawn)]
    assert len(handover("phone-anna", "job", job)["handovers"]) == 1
    facts = handover("phone-anna", "show", hash_.strip(), "--json")
    assert facts["hash"] == hash_.strip()


def test_an_offer_too_large_for_any_code_is_recorded_once_and_goes_by_sync(
    handover: Run, field: Field, job: str, capfd: pytest.CaptureFixture[str]
) -> None:
    device = str(field.folder / "phone-anna")
    words = [random.Random(number).randbytes(250).hex() for number in range(100)]
    large = [part for word in words for part in ("--done", f"seal={word}")]
    assert main(["offer", job, "--to", "bo", *PAYLOAD, *large, "--dir", device]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "recorded: offer; it is too large for codes and goes by sync"
    assert "too large" in handover("phone-anna", "show", out[1].strip(), exit_code=2)
    assert len(handover("phone-anna", "job", job)["handovers"]) == 1


def test_a_refusal_and_a_withdrawal_have_their_commands(handover: Run, job: str) -> None:
    shown = handover("phone-anna", "offer", job, "--to", "bo", *PAYLOAD)
    refusal = handover("phone-bo", "refuse", *shown["texts"], "--reason", "no seal on the van")
    assert handover("phone-anna", "witness", *refusal["texts"])["hash"]
    assert handover("phone-anna", "witness", *refusal["texts"])["hash"] is None
    assert handover("phone-anna", "scan", *refusal["texts"])["kind"] == "handover.refused"
    handover("phone-anna", "withdraw", shown["hash"], "--reason", "too early")
    assert handover("phone-anna", "job", job)["handovers"][0]["state"] == "withdrawn"


def test_every_other_action_records_what_it_says(handover: Run, job: str) -> None:
    handover("phone-anna", "item", job, "seal", "--step", "picked", "--qty", "2")
    wrong = handover("phone-anna", "item", job, "hose", "--step", "picked", "--qty", "3")["hash"]
    by = handover("phone-anna", "correct", wrong, "qty=2", "--reason", "counted twice")["hash"]
    (corrected,) = handover("phone-anna", "job", job)["corrected"].items()
    assert (corrected[0], corrected[1]["by"], corrected[1]["reads"]["qty"]) == (wrong, [by], 2)
    handover("phone-anna", "note", job, "the customer waits")
    handover("phone-anna", "contact", job, "--channel", "phone", "--customer", "c-1")
    handover("phone-anna", "assist", job, "bo")
    handover("phone-anna", "assist", job, "bo", "--left")
    handover("phone-anna", "hold", job, "--reason", "waiting")
    handover("phone-anna", "release", job)
    handover("phone-anna", "arrive", job, "--at", "2026-05-04T09:00:00+02:00")
    (gap,) = handover("phone-anna", "depart", job, *PAYLOAD, exit_code=1)["gaps"]
    handover("phone-anna", "override", gap["found"], "--reason", "label worn off")
    handover("phone-anna", "depart", job, *PAYLOAD)
    handover("phone-anna", "resolve", job)
    handover("phone-anna", "reopen", job, "--reason", "again")
    handover("phone-anna", "cancel", job, "--reason", "replaced")
    assert handover("phone-anna", "jobs")["jobs"] == []
    (facts,) = handover("phone-anna", "jobs", "--all")["jobs"]
    assert [(one["item"], one["picked"]) for one in facts["items"]] == [("hose", 2), ("seal", 2)]
    assert facts["state"] == "cancelled"


def type_in(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """What comes on stdin from here on."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("".join(f"{line}\n" for line in lines).encode())))


def test_a_guest_and_a_shared_device_work_from_the_command_line(handover: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    handover("shared", "open", "--site", "site-1", exit_code=2)
    handover("shared", "open", "--site", "site-1", "--as", "anna", exit_code=2)
    type_in(monkeypatch, "4071")
    handover("shared", "switch", "anna")
    job = handover("shared", "open", "--site", "site-1", "--as", "anna")["job"]
    offer = handover("shared", "offer", job, *PAYLOAD)
    handover("shared", "accept", "--offer", offer["hash"], "--words", "I see", "--name", "M. Customer")
    assert handover("shared", "job", job)["accountable"].startswith("guest:")
    assert "switch" in handover("shared", "note", job, "hello", "--as", "eve", exit_code=2)
    type_in(monkeypatch, "1907")
    handover("shared", "switch", "eve")
    handover("shared", "note", job, "hello")


def test_a_pin_is_read_from_stdin_and_kept_nowhere(
    handover: Run, monkeypatch: pytest.MonkeyPatch, field: Field
) -> None:
    first, second, wrong = "407159318264", "826431595170", "590714"
    with pytest.raises(SystemExit):
        main(["switch", "anna", first, "--dir", str(field.folder / "shared")])
    type_in(monkeypatch)
    assert "none was given" in handover("shared", "switch", "anna", exit_code=2)
    type_in(monkeypatch, "1234")
    assert "4 to 12 digits" in handover("shared", "switch", "anna", exit_code=2)
    type_in(monkeypatch, first + "\r", wrong, first, wrong, second, first, second, second)
    assert handover("shared", "switch", "anna")["wrong"] == 0
    assert "This is not the PIN: anna." in handover("shared", "switch", "anna", exit_code=2)
    assert handover("shared", "switch", "anna")["wrong"] == 1
    handover("shared", "pin", exit_code=2)
    assert handover("shared", "pin")["person"] == "anna"
    handover("shared", "switch", "anna")
    held = b"".join(path.read_bytes() for path in (field.folder / "shared").iterdir() if path.is_file())
    assert not any(pin.encode() in held for pin in (first, second, wrong))


def test_the_status_fits_one_screen(handover: Run, field: Field, job: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert job
    facts = handover("phone-anna", "status")
    assert (facts["held"]["waiting"], facts["held"]["received_through"], facts["device"]) == (2, 0, "phone-anna")
    assert main(["status", "--dir", str(field.folder / "phone-anna")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("here only  2, the oldest for") for line in lines)


def test_a_sync_that_reached_nobody_exits_1_and_says_why(handover: Run, job: str) -> None:
    assert job
    facts = handover("phone-anna", "sync", exit_code=1)
    assert (facts["done"], facts["trouble"], facts["waiting"]) == (False, "no-connection", 2)


def test_a_terminal_shows_the_code_and_its_text(field: Field, job: str, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["offer", job, "--to", "bo", *PAYLOAD, "--dir", str(field.folder / "phone-anna")]
    assert main(arguments) == 0
    out = capfd.readouterr().out
    assert "▀" in out
    assert "HO1:" in out


def test_what_others_wrote_does_not_steer_this_terminal(
    handover: Run, field: Field, capfd: pytest.CaptureFixture[str]
) -> None:
    handover("phone-anna", "open", "--site", "site-1", "--asset", "\x1b[2J\x07")
    assert main(["jobs", "--dir", str(field.folder / "phone-anna")]) == 0
    assert "\x1b" not in capfd.readouterr().out


# -- labels ----------------------------------------------------------------------
def test_what_was_scanned_from_a_label_is_recorded_as_scanned(
    handover: Run, field: Field, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, dock = field.folder / "site.png", field.folder / "dock.png"
    site.write_bytes(png(label_text("site-1")))
    dock.write_bytes(png(label_text("dock 7")))
    handover("phone-anna", "arrive", job, "--site", str(site))
    handover("phone-anna", "asset", job, "HS1:pump-7", "--site", str(site))
    monkeypatch.setattr(sys, "stdin", io.StringIO("HS1:FILTER-7\r\n"))
    handover("phone-anna", "item", job, "-", "--step", "picked", "--point", str(dock))
    handover("phone-anna", "item", job, "SEAL-2", "--step", "picked")
    other = handover("phone-anna", "open", "--site", str(site), "--asset", "HS1:gate-1")["job"]

    async def recorded() -> list[Any]:
        async with field.open("phone-anna") as agent:
            await agent.refresh()
            journeys = [agent.holding.journey(one) for one in (job, other)]
            return [event.body for journey in journeys for event in journey.timeline]

    opened, arrived, asset, first, second, again = asyncio.run(recorded())
    assert (opened.entered, again.entered, again.site, again.asset) == (None, "scanned", "site-1", "gate-1")
    assert (arrived.site, arrived.entered) == ("site-1", "scanned")
    assert (asset.asset, asset.site, asset.entered) == ("pump-7", "site-1", "scanned")
    assert (first.item, first.point, first.entered) == ("FILTER-7", "dock 7", "scanned")
    assert (second.item, second.point, second.entered) == ("SEAL-2", "", "typed")


def test_a_scanned_label_says_which_open_jobs_are_there(handover: Run, job: str) -> None:
    assert handover("phone-anna", "scan", "HS1:site-1") == {"kind": "label", "id": "site-1", "jobs": [job]}
    assert handover("phone-anna", "scan", "HS1:pump-7")["jobs"] == [job]
    assert handover("phone-anna", "scan", "HS1:elsewhere")["jobs"] == []
    handover("phone-anna", "cancel", job, "--reason", "twice")
    assert handover("phone-anna", "scan", "HS1:site-1")["jobs"] == []
    assert [one["id"] for one in handover("phone-anna", "scan", "HS1:site-1", "HS1:pump-7")["labels"]] == [
        "site-1",
        "pump-7",
    ]


# -- bad input -----------------------------------------------------------------
BAD: dict[str, tuple[str, ...]] = {
    "a job nobody knows": ("job", "nonsense"),
    "a job that is too long": ("note", "x" * 500, "hello"),
    "no words": ("note", "{job}", ""),
    "bytes that are no text": ("note", "{job}", "\udcff"),
    "no such picture": ("scan", "nowhere.png"),
    "no picture": ("scan", "{text}"),
    "a code of nobody": ("scan", "https://example.com/"),
    "no code": ("scan",),
    "a code that is no label": ("arrive", "{job}", "--site", "HE1:ABC"),
    "a label that is not there": ("asset", "{job}", "nowhere.png"),
    "a newer code": ("scan", "HO9:ABC"),
    "a damaged code": ("accept", "HO1:ABCDEF", "--words", "x"),
    "another type of code": ("accept", "HS1:site-1", "--words", "x"),
    "a hash of nothing": ("show", "x" * 43),
    "an offer that is none": ("accept", "--offer", "x" * 43, "--words", "x"),
    "no scanner": ("scan", "--scanner", "/dev/nowhere"),
    "a quantity of none": ("item", "{job}", "seal", "--step", "picked", "--qty", "0"),
    "a quantity beyond counting": ("item", "{job}", "seal", "--step", "picked", "--qty", "9" * 30),
    "a time without offset": ("arrive", "{job}", "--at", "2026-05-04T09:00:00"),
    "no time": ("arrive", "{job}", "--at", "noon"),
    "a correction of nothing": ("correct", "{job}", "qty", "--reason", "x"),
    "a count of words": ("offer", "{job}", "--to", "bo", "--count", "seal=many"),
    "a gap in nothing": ("offer", "{job}", "--to", "bo", "--gap", "nothing=because"),
    "an until of none": ("offer", "{job}", "--to", "bo", "--until", "x" * 99, *PAYLOAD),
    "a payload that is not there": ("offer", "{job}", "--to", "bo", "--payload", "nowhere.json"),
    "a payload that is none": ("offer", "{job}", "--to", "bo", "--payload", "{text}"),
    "a payload with a field of nobody": ("offer", "{job}", "--to", "bo", "--payload", "{typo}"),
    "a reservation of words": ("accept", "--offer", "x" * 43, "--words", "x", "--reserve", "seal=few"),
    "somebody who is not here": ("note", "{job}", "hello", "--as", "zed"),
    "an enrolment of the enrolled": ("enrol", "HE1:ABC"),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_a_sentence_with_a_remedy_and_exit_2(
    handover: Run, field: Field, job: str, given: tuple[str, ...]
) -> None:
    text, typo = field.folder / "text.txt", field.folder / "typo.json"
    text.write_text("just words")
    typo.write_text('{"next_actions":[{"what":"fit","ownr":"bo"}]}')
    names = {"{job}": job, "{text}": str(text), "{typo}": str(typo)}
    said = handover("phone-anna", *(names.get(word, word) for word in given), exit_code=2)
    assert said.startswith(f"handover device {given[0]}: ")
    assert said.rstrip().endswith(".")
    assert said.count("\n") == 1


@pytest.mark.parametrize("start", ["-", "--", "-h", "-1", "--as"])
def test_a_name_that_begins_as_an_option_does_is_a_name(handover: Run, job: str, start: str) -> None:
    of_16, of_22, of_43 = (start + "A" * (length - len(start)) for length in (16, 22, 43))
    handover("phone-anna", "item", job, of_16, "--visit", of_16, "--step", "picked")
    unknown = handover("phone-anna", "item", job, of_16, "--reservation", of_43, "--step", "picked", exit_code=2)
    assert of_43 in unknown
    (item,) = handover("phone-anna", "job", job)["items"]
    assert item["item"] == of_16
    assert of_22 in handover("phone-anna", "note", of_22, "hello", exit_code=2)
    for words in (("show", of_43), ("accept", "--offer", of_43, "--words", "x"), ("confirm", "--accepted", of_43)):
        assert of_43 in handover("phone-anna", *words, exit_code=2)


def test_what_only_resembles_a_name_is_still_an_option(job: str, capfd: pytest.CaptureFixture[str]) -> None:
    for word in ("--an-option-of-nobody", "-x", "-" + "B" * 21):  # the last has bits that no 16 bytes have
        with pytest.raises(SystemExit) as caught:
            main(["note", job, "hello", word])
        assert caught.value.code == 2
        said = capfd.readouterr().err
        assert said == f"handover device: unrecognized arguments: {word}; see handover device --help\n"


def test_a_shortened_option_is_no_name(handover: Run) -> None:
    shortened = "--desired-o"
    assert is_name(shortened)
    assert handover("phone-anna", "open", "--site", "site-1", shortened, "dry feet")["job"]


@pytest.mark.parametrize("given", [[], ["dance"], ["offer"], ["item", "j", "i", "--step", "danced"]])
def test_an_action_or_argument_that_does_not_exist_is_exit_2(given: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(given)
    assert caught.value.code == 2


def test_a_folder_without_a_device_is_told_by_every_action(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["status", "--dir", str(folder)]) == 2
        assert "not enrolled" in capfd.readouterr().err


def test_every_action_has_help() -> None:
    for name, action in ACTIONS.items():
        assert action.help, name


def test_what_a_person_wrote_into_a_payload_is_never_dropped() -> None:
    with pytest.raises(Problem) as caught:
        strictly(b'{"summary":"x","risks":[{"if":"a"},{"if":"b","them":"c"}],"prio":1}', Payload, "payload.json")
    assert caught.value.kind is BAD_ARGUMENT
    assert caught.value.detail == "unknown: .prio, .risks[1].them"


@pytest.mark.parametrize(
    "text", ["{", '{"broker":{"host":"h"}}', '{"brokr":{}}', '{"broker":{"host":"h","port":0,"topics":["a"]}}']
)
def test_settings_that_do_not_fit_are_named(tmp_path: Path, text: str) -> None:
    assert load_settings(tmp_path).broker is None
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(Problem) as caught:
        load_settings(tmp_path)
    assert caught.value.kind is BAD_SETTINGS


def test_the_settings_that_the_help_shows_are_settings(tmp_path: Path) -> None:
    shown = ABOUT[ABOUT.index("{") :]
    (tmp_path / "settings.json").write_text(shown)
    assert load_settings(tmp_path).broker
    assert json.loads(shown).keys() == set(Settings.__struct_fields__)
    assert json.loads(shown)["broker"]["tls"].keys() == set(Tls.__struct_fields__)


def test_a_device_loads_nothing_of_the_server() -> None:
    script = (
        "import sys, runpy; sys.argv = ['handover', 'device', 'status', '--dir', '/nowhere']\n"
        "from trial.cli import main\n"
        "code = main()\n"
        "banned = {'litestar', 'jinja2', 'uvicorn', 'numpy', 'backend'} & set(sys.modules)\n"
        "sys.exit(f'loaded {banned}' if banned else code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr


def test_what_needs_a_person_says_what_to_do_on_the_screen(capfd: pytest.CaptureFixture[str], field: Field) -> None:
    async def put() -> None:
        async with open_store(field.folder / "phone-anna") as store:
            for number in range(7):
                said = f"by {number} minutes, by {number} minutes, by {number} minutes"
                await store.writing(partial(pulled.needs_you, slug="clock-before-roster", detail=said, now_ms=1))

    asyncio.run(put())
    assert main(["status", "--dir", str(field.folder / "phone-anna")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).count("Set the device's clock, then scan again.") == 5
    assert lines[-1] == "  and 2 more; see --json"
