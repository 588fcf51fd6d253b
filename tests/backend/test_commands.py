"""The office's commands: what they print, and a sentence and exit code 2 for whatever cannot be done."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from backend.commands import devices, people, policies, rebuild, serve, sites
from backend.store.sqlite import connect
from sync.cards import read_enrolment

Run = Callable[..., int]
Main = Callable[[list[str]], int]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command on one database."""

    def run(main: Main, *args: str) -> int:
        return main([*args, "--database", str(tmp_path / "x.db")])

    return run


def test_people_devices_sites_and_policies_are_added_changed_and_listed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(people.main, "team", "crew", "--name", "The crew") == 0
    assert run(people.main, "add", "anna", "--name", "Anna", "--role", "technician", "--team", "crew") == 0
    assert run(sites.main, "add", "north", "--zone", "Europe/Berlin", "--lat", "52.5") == 0
    assert run(people.main, "add", "anna", "--site", "north", "--entitlement", "gold", "--entitlement", "silver") == 0
    assert run(devices.main, "add", "phone", "--person", "anna") == 0
    policy = tmp_path / "policy.json"
    policy.write_text('[{"boundary": "site", "limits": {"accept": 30}}]')
    assert run(policies.main, "set", str(policy)) == 0
    assert run(policies.main, "set", str(policy)) == 0
    assert capsys.readouterr().out.startswith("policy:site 1.")

    run(people.main, "list", "--json")
    anna = json.loads(capsys.readouterr().out)["people"]["anna"]
    entitlements = anna.pop("entitlements")
    assert anna == {"name": "Anna", "roles": ["technician"], "teams": ["crew"], "sites": ["north"]}
    with closing(connect(tmp_path / "x.db", read_only=True)) as con:
        (raw,) = con.execute("SELECT bytes FROM document WHERE key = 'roster' ORDER BY version DESC LIMIT 1").fetchone()
    assert json.loads(raw)["people"]["anna"]["entitlements"] == entitlements == ["gold", "silver"]
    run(devices.main, "list", "--json")
    assert json.loads(capsys.readouterr().out) == {"phone": {"people": ["anna"], "kid": "", "keys": []}}
    run(sites.main, "list", "--json")
    assert json.loads(capsys.readouterr().out)["north"]["zone"] == "Europe/Berlin"
    run(policies.main, "list", "--json")
    assert json.loads(capsys.readouterr().out)["site"]["version"] == 1
    for main in (people.main, devices.main, sites.main, policies.main):
        assert run(main, "list") == 0
    assert "anna" in capsys.readouterr().out


def test_when_a_devices_key_is_valid_and_a_training_ends_is_set_changed_and_taken_back(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    until = "2027-01-01T00:00:00+01:00"
    assert run(people.main, "add", "anna", "--trained-until", until) == 0
    assert run(devices.main, "add", "phone", "--person", "anna", "--valid-until", until) == 0
    assert run(devices.main, "add", "phone", "--valid-from", "2026-01-01T00:00:00Z") == 0
    run(devices.main, "list", "--json")
    phone = json.loads(capsys.readouterr().out)["phone"]
    assert (phone["people"], phone["valid_from"], phone["valid_until"]) == (["anna"], "2026-01-01T00:00:00Z", until)
    assert run(devices.main, "add", "phone", "--valid-until", "") == 0
    run(devices.main, "list", "--json")
    assert "valid_until" not in json.loads(capsys.readouterr().out)["phone"]
    for main, *given in ((people.main, "anna", "--trained-until"), (devices.main, "phone", "--valid-from")):
        with pytest.raises(SystemExit) as caught:
            run(main, "add", *given, "next week")
        assert caught.value.code == 2
        assert "RFC 3339" in capsys.readouterr().err


@pytest.mark.parametrize("start", ["-", "--"])
def test_a_name_that_begins_as_an_option_does_is_a_name(
    run: Run, capsys: pytest.CaptureFixture[str], start: str
) -> None:
    name = start + "A" * (22 - len(start))
    assert run(people.main, "team", name) == 0
    assert run(people.main, "add", "anna", "--team", name) == 0
    run(people.main, "list", "--json")
    assert json.loads(capsys.readouterr().out)["people"]["anna"]["teams"] == [name]


def test_an_enrolment_code_is_printed_as_text_and_plain(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(people.main, "add", "anna")
    run(devices.main, "add", "phone", "--person", "anna")
    assert run(devices.main, "enrol-code", "phone", "--url", "https://office.example", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    card = read_enrolment(said["text"])
    assert (card.url, card.code, card.fingerprint) == ("https://office.example", said["code"], said["fingerprint"])


def test_a_token_is_shown_once_and_projections_are_made_anew(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(people.main, "add", "dora", "--role", "dispatcher")
    assert run(people.main, "token", "dora") == 0
    assert len(capsys.readouterr().out.strip()) == 43
    assert run(people.main, "token", "dora", "--void") == 0
    assert run(rebuild.main, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"jobs": 0}


WRONG: list[tuple[Main, tuple[str, ...], str]] = [
    (people.main, ("add", "x", "--role", "nonsense"), "nonsense"),
    (people.main, ("add", "x", "--team", "nobody"), "no team is called nobody"),
    (people.main, ("add", ""), "''"),
    (people.main, ("add", " gus"), "' gus'"),
    (people.main, ("add", "gus\n"), "gus"),
    (people.main, ("add", "role:technician"), "role:technician"),
    (people.main, ("add", "guest:kim"), "guest:kim"),
    (people.main, ("add", "desk"), "desk is a team"),
    (people.main, ("add", "g" * 201), "gggg"),
    (people.main, ("add", "gus", "--site", "nowhere"), "nowhere"),
    (people.main, ("add", "gus", "--site", ""), "sites add"),
    (people.main, ("team", " "), "' '"),
    (people.main, ("team", "anna"), "anna is a person"),
    (people.main, ("token", "nobody"), "person nobody"),
    (devices.main, ("add", ""), "''"),
    (sites.main, ("add", ""), "''"),
    (sites.main, ("add", " "), "' '"),
    (sites.main, ("add", "*"), "'*'"),
    (sites.main, ("add", "x", "--lat", "nan"), "lat"),
    (devices.main, ("add", "x", "--person", "nobody"), "nobody"),
    (devices.main, ("enrol-code", "x"), "device x"),
    (sites.main, ("add", "x", "--zone", "Nowhere/At-all"), "Nowhere/At-all"),
    (sites.main, ("add", "x", "--lat", "100"), "90"),
    (policies.main, ("set", "no-such-file.json"), "no-such-file.json"),
]


@pytest.mark.parametrize("row", WRONG, ids=lambda row: " ".join((row[0].__module__.rpartition(".")[2], *row[1]))[:60])
def test_what_cannot_be_done_is_said_in_a_sentence(
    row: tuple[Main, tuple[str, ...], str], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(people.main, "add", "anna")
    main, args, said = row
    assert run(main, *args) == 2
    error = capsys.readouterr().err
    assert error.startswith("handover ")
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "text", ["{", "[]x", '{"boundary":"b","limts":{}}', '[{"boundary":"b","limits":{"acept":1}}]', "5"]
)
def test_a_policy_with_a_slip_in_it_is_refused(
    text: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(text)
    assert run(policies.main, "set", str(path)) == 2
    assert str(path) in capsys.readouterr().err


def test_a_database_that_is_missing_no_database_or_out_of_reach_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text("no database, but a text that is longer than the header of one " * 10)
    for path in (tmp_path / "missing.db", other, other / "below.db"):
        for main, args in ((rebuild.main, ()), (policies.main, ("list",))):
            assert main([*args, "--database", str(path)]) == 2
            assert str(path) in capsys.readouterr().err
    assert people.main(["add", "x", "--database", str(other / "below.db")]) == 2
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize(
    ("main", "args"),
    [
        (people.main, ("token", "anna", "--days", "9" * 12)),
        (people.main, ("token", "anna", "--days", "0")),
        (devices.main, ("enrol-code", "phone", "--minutes", "-5")),
        (devices.main, ("enrol-code", "phone", "--url", "office.example")),
        (devices.main, ("enrol-code", "phone", "--url", "http://:80")),
    ],
)
def test_a_number_or_address_that_cannot_be_meant_ends_with_2_and_a_sentence(
    main: Main, args: tuple[str, ...], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(main, *args)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_code_made_before_any_server_ran_says_that_its_address_is_a_guess(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run(people.main, "add", "anna")
    run(devices.main, "add", "phone", "--person", "anna")
    assert run(devices.main, "enrol-code", "phone", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["url"] in err
    assert "--url" in err


@pytest.mark.parametrize("args", [["--port", "70000"], ["--port", "x"], ["--url", "x"], ["--nonsense"]])
def test_wrong_arguments_end_with_2_and_a_sentence(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        serve.main(args)
    assert ended.value.code == 2
    assert "see handover serve --help" in capsys.readouterr().err
