"""A proof is verified by libraries that the product does not sign with, and nothing in it can be changed unseen."""

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jws as jwcrypto_jws

from backend.commands import exports, keys, verify
from backend.exchange.proof import MANIFEST, MANIFEST_JWS, as_zip
from backend.key import hold_key
from backend.proof_check import Checked, check_proof
from backend.proofs import read_proof
from sync.ids import b64, digest
from sync.problems import NO_FILE, NOT_A_PROOF, TOO_LARGE, Problem
from tests.backend.conftest import catch_up
from tests.backend.lived_in import Lived as Backend
from tests.backend.lived_in import accepts, confirms, live, offers, open_backend, witnesses
from tests.backend.people import Author, FixedWorld

Files = dict[str, bytes]


class Lived:
    """A database in which much happened, and one handover of it, proven."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authors: dict[str, Author] = anyio.run(live, path)
        self.offer = self.authors["anna"].events[2].hash
        self.folder = path.parent / "proof"
        assert exports.main(["proof", self.offer, "--database", str(path), "--out", str(self.folder)]) == 0
        self.files = read_proof(self.folder)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(tmp_path_factory.mktemp("lived") / "handover.db")


# -- by libraries that are not ours -------------------------------------------
def by_joserfc(jws: str, payload: bytes, keys: bytes) -> bool:
    found = joserfc_jwk.KeySet.import_key_set(json.loads(keys))
    try:
        joserfc_jws.deserialize_compact(jws, found, algorithms=["Ed25519"], payload=payload)
    except (JoseError, ValueError):
        return False
    return True


def by_jwcrypto(jws: str, payload: bytes, keys: bytes) -> bool:
    token = jwcrypto_jws.JWS()
    token.allowed_algs = ["Ed25519"]
    try:
        token.deserialize(jws)
        kid = json.loads(token.objects["protected"])["kid"]
        key = jwcrypto_jwk.JWKSet.from_json(keys.decode()).get_key(kid)
        token.verify(key, detached_payload=payload)
    except (jwcrypto_jws.InvalidJWSSignature, jwcrypto_jws.InvalidJWSObject, ValueError):
        return False
    return True


LIBRARIES: tuple[Callable[[str, bytes, bytes], bool], ...] = (by_joserfc, by_jwcrypto)


def signed(files: Files) -> list[tuple[str, str]]:
    """Each payload and its signature."""
    return [(name, jws) for jws in sorted(files) if jws.endswith(".jws") and (name := f"{jws[:-4]}.json") in files]


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_every_signature_holds_by_a_library_that_is_not_ours(
    library: Callable[[str, bytes, bytes], bool], lived: Lived
) -> None:
    files = lived.files
    pairs = signed(files)
    assert {name.partition("/")[0] for name, _ in pairs} == {"events", "batches", "documents", "receipts", MANIFEST}
    for name, jws in pairs:
        assert library(files[jws].decode(), files[name], files["jwks.json"]), name


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
def test_a_changed_payload_and_a_swapped_signature_are_found_by_it(
    library: Callable[[str, bytes, bytes], bool], lived: Lived
) -> None:
    files, known = lived.files, lived.files["jwks.json"]
    pairs = signed(files)
    for (name, jws), (_, other) in zip(pairs, [*pairs[1:], pairs[0]], strict=True):
        raw = files[name]
        for at in {0, len(raw) // 2, len(raw) - 1}:
            changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
            assert not library(files[jws].decode(), changed, known), name
        assert not library(files[other].decode(), raw, known), name


def test_the_manifest_lists_every_other_file_with_what_any_tool_computes(lived: Lived) -> None:
    listed = {one["name"]: one["sha256"] for one in json.loads(lived.files[MANIFEST])["files"]}
    assert listed == {
        name: b64(digest(raw)) for name, raw in lived.files.items() if name not in (MANIFEST, MANIFEST_JWS)
    }


def test_the_way_to_verify_that_the_statement_prints_works_as_printed(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = lived.files["statement.txt"].decode().partition("How to verify this without us")[2]
    printed = "\n".join(line[4:] for line in said.splitlines() if line.startswith("    "))
    assert printed.count("\n") == 10
    monkeypatch.chdir(lived.folder)
    run = compile(printed, "statement.txt", "exec")
    exec(run, {})  # noqa: S102 - it is ours, and what a reader would run


# -- by our own code ----------------------------------------------------------
def test_a_proof_is_whole_signed_and_true(lived: Lived) -> None:
    checked = check_proof(lived.files)
    assert checked == Checked(
        ok=True,
        subject=lived.offer,
        outcome="accepted",
        accountable="bo",
        events=6,
        signatures=checked.signatures,
        office=checked.office,
    )
    assert check_proof(lived.files, checked.office).ok
    other = check_proof(lived.files, "AAAAAAAAAAA")
    assert [finding.file for finding in other.findings] == [MANIFEST_JWS]


def test_payloads_are_the_exact_bytes_that_were_signed(lived: Lived) -> None:
    anna, bo = lived.authors["anna"], lived.authors["bo"]
    shown = {raw for name, raw in lived.files.items() if name.startswith("events/") and name.endswith(".json")}
    assert {anna.events[at].raw for at in (0, 1, 2, 3, 4)} | {bo.events[at].raw for at in (0, 1, 2)} == shown


def test_a_statement_says_who_handed_over_what_to_whom_when_where_and_how(lived: Lived) -> None:
    said = lived.files["statement.txt"].decode()
    for words in (
        "Anna handed the job over, Bo read back the open points and took it.",
        "In person: each scanned the other's code",
        "the pump hums",
        "2026-09-21 14:13:20 UTC+00:00 · Bo",
        "The sender has seen the acceptance",
        lived.offer,
    ):
        assert words in said, words
    page = lived.files["statement.html"].decode()
    assert '<html lang="en" dir="ltr">' in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


@settings(deadline=None, max_examples=200)
@given(which=st.integers(0, 10**6), place=st.integers(0, 10**9), by=st.integers(1, 255))
def test_any_changed_byte_of_any_file_is_found(which: int, place: int, by: int, lived: Lived) -> None:
    names = sorted(lived.files)
    name = names[which % len(names)]
    raw = bytearray(lived.files[name])
    raw[place % len(raw)] ^= by
    checked = check_proof(lived.files | {name: bytes(raw)})
    assert not checked.ok
    assert name in (MANIFEST, MANIFEST_JWS, "jwks.json") or name in {finding.file for finding in checked.findings}


def test_any_missing_file_and_any_that_was_added_is_found(lived: Lived) -> None:
    for name in lived.files:
        less = {other: raw for other, raw in lived.files.items() if other != name}
        checked = check_proof(less)
        assert [finding.file for finding in checked.findings] == [name], name
    more = check_proof(lived.files | {"events/99-handover.withdrawn.json": b"{}"})
    assert [finding.file for finding in more.findings] == ["events/99-handover.withdrawn.json"]


def test_swapped_signatures_are_found(lived: Lived) -> None:
    names = [jws for _, jws in signed(lived.files)]
    for one, other in zip(names, [*names[1:], names[0]], strict=True):
        if lived.files[one] != lived.files[other]:
            assert not check_proof(lived.files | {one: lived.files[other], other: lived.files[one]}).ok


def forged(lived: Lived, change: Callable[[Any], None], **files: bytes) -> Checked:
    """A proof whose manifest somebody changed who has the office's key: what an office itself could try."""
    signer = hold_key(lived.path.with_name("handover.db.key"), FixedWorld(), is_new=False)
    changed = {name: raw for name, raw in (lived.files | files).items() if raw}
    manifest = json.loads(lived.files[MANIFEST])
    change(manifest)
    manifest["files"] = [
        {"name": name, "size": len(raw), "sha256": b64(digest(raw))}
        for name, raw in sorted(changed.items())
        if name not in (MANIFEST, MANIFEST_JWS)
    ]
    raw = json.dumps(manifest).encode()
    return check_proof(changed | {MANIFEST: raw, MANIFEST_JWS: signer.sign(raw, "ho-doc").encode()})


def test_what_the_office_itself_leaves_out_or_adds_is_found_by_the_rules(lived: Lived) -> None:
    def drop(at: int) -> Callable[[Any], None]:
        return lambda manifest: manifest["events"].pop(at)

    assert forged(lived, lambda manifest: manifest.update(version=1)).ok
    without_root = forged(lived, drop(0))
    assert any("parked" in finding.detail for finding in without_root.findings)
    assert not forged(lived, drop(1)).ok
    unsigned = forged(lived, lambda manifest: manifest["events"][2].pop("jws"))
    assert any("nobody signed it" in finding.detail for finding in unsigned.findings)
    moved = forged(lived, lambda manifest: manifest["events"][2].update(before=manifest["events"][1]["before"]))
    assert any("chain value" in finding.detail or "receipt" in finding.detail for finding in moved.findings)
    other = forged(lived, lambda manifest: manifest["openings"].pop())
    assert any("was not opened by" in finding.detail for finding in other.findings)
    batch = forged(lived, lambda manifest: manifest["batches"][0]["digests"].reverse())
    assert any("batch" in finding.detail or "digests" in finding.detail for finding in batch.findings)
    roster = forged(lived, lambda manifest: manifest["documents"].pop(0))
    assert any("unknown-document" in finding.detail for finding in roster.findings)
    seen = forged(lived, lambda manifest: manifest["witnesses"][0].update(holds=[]))
    assert any(finding.file.startswith("witness/") for finding in seen.findings)


# -- as files -----------------------------------------------------------------
def test_a_zip_is_the_same_bytes_and_verifies_as_a_folder_does(
    lived: Lived, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "proof.zip"
    assert exports.main(["proof", lived.offer, "--database", str(lived.path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == len(lived.files)
    assert verify.main(["proof", str(out)]) == 0
    assert "whole, signed and true: accepted, bo is accountable" in capsys.readouterr().out
    assert as_zip(lived.files) == as_zip(dict(reversed(lived.files.items())))
    assert exports.main(["proof", lived.offer, "--database", str(lived.path), "--out", str(lived.folder)]) == 2
    assert "never written over" in capsys.readouterr().err


def test_the_command_names_the_file_that_was_changed_and_ends_with_1(
    lived: Lived, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "proof.zip"
    name = "events/03-handover.accepted.json"
    out.write_bytes(as_zip(lived.files | {name: lived.files[name].replace(b"look", b"loop")}))
    assert verify.main(["proof", str(out)]) == 1
    assert f"{name}: this file was changed" in capsys.readouterr().out
    assert verify.main(["proof", str(out), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"] == [{"file": name, "detail": "this file was changed"}]


@pytest.mark.parametrize("raw", [b"", b"no zip", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(60)])
def test_what_is_no_proof_is_said_in_a_sentence(raw: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(raw)
    assert verify.main(["proof", str(path)]) in (1, 2)
    capsys.readouterr()
    with pytest.raises(Problem) as refused:
        read_proof(tmp_path / "none")
    assert refused.value.kind is NO_FILE


@settings(deadline=None, max_examples=150)
@given(place=st.integers(0, 10**9), by=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_zip_ends_in_a_finding_or_a_sentence(
    place: int, by: int, cut: bool, lived: Lived, tmp_path_factory: pytest.TempPathFactory
) -> None:
    raw = bytearray(as_zip(lived.files))
    at = place % len(raw)
    if cut:
        del raw[at:]
    else:
        raw[at] ^= by
    path = tmp_path_factory.mktemp("zip") / "x.zip"
    path.write_bytes(raw)
    try:
        files = read_proof(path)
    except Problem as problem:
        if problem.kind in (NOT_A_PROOF, TOO_LARGE):
            return
        raise
    assert files == lived.files or not check_proof(files).ok


def test_a_zip_that_swells_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(9):
            packed.writestr(f"{number}", bytes(32 * 1024 * 1024))
    with pytest.raises(Problem, match="too large"):
        read_proof(path)


# -- over the JSON API --------------------------------------------------------
async def a_handover(path: Path, opened: AsyncExitStack) -> tuple[Backend, str, Author]:
    here = await open_backend(path, opened)
    anna, bo = await here.enrol("anna"), await here.enrol("bo")
    await catch_up(anna, here.intake)
    job, opening, offer = offers(anna, "bo")
    witnesses(bo, anna, opening, offer)
    taken = accepts(bo, job, offer.hash)
    await bo.push(here.client, 2)
    confirms(anna, job, offer.hash, taken.hash)
    await anna.push(here.client, 2)
    return here, offer.hash, anna


async def an_offer_elsewhere(here: Backend) -> str:
    cleo = await here.enrol("cleo")
    _, _, offer = offers(cleo, "max", site="south")
    await cleo.push(here.client, 2)
    return offer.hash


@pytest.mark.anyio
async def test_those_who_may_read_the_job_get_proof_and_receipt_and_others_the_answer_for_an_unknown_one(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as opened:
        here, offer, anna = await a_handover(tmp_path / "handover.db", opened)
        dora, max_ = await here.staff("dora"), await here.staff("max")
        for staff in (dora, max_):
            answer = await here.client.get(f"/api/handovers/{offer}/proof", headers=staff.headers)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/zip"
            with zipfile.ZipFile(BytesIO(answer.content)) as packed:
                assert check_proof({name: packed.read(name) for name in packed.namelist()}).ok
            answer = await here.client.get(f"/api/handovers/{offer}/receipt.pdf?language=ar", headers=staff.headers)
            assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
        answer = await here.client.get(f"/v1/handovers/{offer}/receipt.pdf", headers=anna.headers)
        assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")

        unknown = b64(digest(b"no such offer"))
        for name, headers in (
            (f"/api/handovers/{unknown}", dora.headers),
            ("/api/handovers/nonsense", dora.headers),
            (f"/v1/handovers/{unknown}", anna.headers),
        ):
            answer = await here.client.get(f"{name}/receipt.pdf", headers=headers)
            assert answer.status_code == 404, name
        nick = await here.staff("nick")
        assert (await here.client.get(f"/api/handovers/{offer}/proof", headers=nick.headers)).status_code == 200
        # The job is in the north and with bo; an offer of cleo's own in the north reaches neither of their scopes.
        other = await an_offer_elsewhere(here)
        for path_, headers in (("/v1", anna.headers), ("/api", nick.headers)):
            answer = await here.client.get(f"{path_}/handovers/{other}/receipt.pdf", headers=headers)
            assert answer.status_code == 404, path_
        assert (await here.client.get(f"/api/handovers/{other}/proof", headers=nick.headers)).status_code == 404
        assert (await here.client.get(f"/api/handovers/{other}/proof", headers=dora.headers)).status_code == 200
        answer = await here.client.get(f"/api/handovers/{offer}/proof?language=xx", headers=dora.headers)
        assert answer.status_code == 400
        assert (await here.client.get(f"/api/handovers/{offer}/proof")).status_code == 401


def test_an_office_that_changed_its_key_is_known_by_either(lived: Lived, tmp_path: Path) -> None:
    """The old key signed the roster that brought the new one in: who knows the old one believes the new one."""
    database = tmp_path / "handover.db"
    with closing(sqlite3.connect(lived.path)) as con:
        con.execute("VACUUM INTO ?", (str(database),))
    for key in lived.path.parent.glob("handover.db.key*"):
        shutil.copy(key, tmp_path / key.name)
    before = check_proof(lived.files).office
    assert keys.main(["rotate", "--database", str(database)]) == 0
    assert verify.main(["--database", str(database)]) == 0
    out = tmp_path / "proof"
    assert exports.main(["proof", lived.offer, "--database", str(database), "--out", str(out)]) == 0
    files = read_proof(out)
    after = check_proof(files)
    assert (after.ok, after.office != before) == (True, True), after.findings
    assert check_proof(files, before).ok
    assert check_proof(files, after.office).ok
    anna = lived.authors["anna"].signer.kid
    assert not check_proof(files, anna).ok
