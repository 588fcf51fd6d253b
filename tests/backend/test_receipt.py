"""Every handover has a receipt that people can read, whatever came of it."""

from contextlib import AsyncExitStack
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from backend.commands import exports
from backend.exchange.receipt import as_pdf
from backend.exchange.statement import as_text
from backend.master import DEVICE, PERSON, SITE, PersonRow, SiteRow, all_of, find, put
from backend.printing.symbols import code_matrix, png
from backend.receipts import sheet_for
from backend.sheet import Outcome, Sheet
from backend.store.sqlite import connect
from backend.words import LANGUAGES, Language, words
from backend.writing import Writing
from sync.clock import rfc3339
from sync.events import Refused, Reservation, Withdrawn
from sync.payload import (
    Action,
    Decision,
    DeclaredGap,
    Dependency,
    ItemCount,
    NextAction,
    Payload,
    Risk,
    Synthesis,
)
from sync.qr import PartsCollector, read_frame
from tests.backend.conftest import catch_up
from tests.backend.lived_in import Lived, accepts, confirms, offers, open_backend, witnesses
from tests.backend.people import NOON, Author, FixedWorld

LONG = "The seal was changed and the pump runs again; the filter is still to come. "
PAYLOAD = Payload(
    priority="urgent",
    state="in_progress",
    summary="The seal was changed and the pump runs.\nThe filter is still to come.",
    actions_taken=(Action(object="seal", result="changed"), Action(object="pump", result="runs at 2.1 bar")),
    decisions=(Decision(what="run at half load", who="anna", basis="the filter is missing"),),
    next_actions=(
        NextAction(what="fit the filter", owner="bo", due="2026-09-22T10:00:00Z"),
        NextAction(what="call back"),
    ),
    risks=(Risk(if_="pressure above 3 bar", then="close valve B"),),
    dependencies=(Dependency(on="the filter", by="2026-09-22T08:00:00Z"),),
    items=(ItemCount(id="FILTER-7", expected=3, counted=3), ItemCount(id="SEAL-2", expected=1, counted=1)),
    gaps=(DeclaredGap(element="decisions", reason="the customer decides tomorrow"),),
)
NAMES = {"anna": "Żaneta Łącka", "bo": "محمد الأحمدي", "dora": "Dörte Groß"}
LATER = NOON + 3 * 3_600_000


class Told:
    """A database with a handover of each outcome; `offers` by outcome, each the hash to ask for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offers: dict[str, str] = anyio.run(tell, path)

    def sheet(self, outcome: str, language: Language = "en", at: int = LATER) -> Sheet:
        con = connect(self.path, read_only=True)
        try:
            return sheet_for(con, self.offers[outcome], at, language=language)
        finally:
            con.close()


def rename(writing: Writing) -> None:
    for person, name in NAMES.items():
        row = PersonRow(name=name, roles=("technician",), sites=("*",))
        if person == "dora":
            row = PersonRow(name=name, roles=("dispatcher",), teams=("desk",), sites=("*",))
        put(writing.con, PERSON, person, row, by="test", now_ms=writing.now_ms)
    site = SiteRow(name="Nordpark, Außenstelle", zone="Europe/Warsaw")
    put(writing.con, SITE, "north", site, by="test", now_ms=writing.now_ms)


async def tell(path: Path) -> dict[str, str]:
    """Afterwards there is a handover of each outcome."""
    async with AsyncExitStack() as opened:
        here = await open_backend(path, opened, FixedWorld())
        await here.intake.do(rename)
        await here.intake.do(here.intake.door.cut)
        anna, bo = await here.enrol("anna"), await here.enrol("bo")
        await catch_up(anna, here.intake)
        return await _all(here, anna, bo)


async def _all(here: Lived, anna: Author, bo: Author) -> dict[str, str]:
    found: dict[str, str] = {}
    synthesis = Synthesis(words="Fit the filter; above 3 bar close valve B.", shown=5, hits=2, false=1)

    job, opening, offer = offers(anna, "bo", PAYLOAD)
    witnesses(bo, anna, opening, offer)
    taken = accepts(bo, job, offer.hash, synthesis=synthesis)
    confirms(anna, job, offer.hash, taken.hash)
    found["accepted"] = offer.hash

    job, opening, offer = offers(anna, "bo", PAYLOAD)
    witnesses(bo, anna, opening, offer)
    remark = Reservation(item="FILTER-7", counted=1, remark="two are missing from the box")
    accepts(bo, job, offer.hash, synthesis=synthesis, reservations=(remark,))
    found["reserved"] = offer.hash

    job, opening, offer = offers(anna, "bo", PAYLOAD)
    witnesses(bo, anna, opening, offer)
    bo.record("handover.refused", Refused(roster=bo.roster, offer=offer.hash, party="bo", reason="I am ill"), job=job)
    found["refused"] = offer.hash

    _, _, offer = offers(anna, "bo", PAYLOAD)
    found["lapsed"] = found["offered"] = offer.hash

    job, _, offer = offers(anna, "bo", PAYLOAD)
    body = Withdrawn(roster=anna.roster, offer=offer.hash, sender="anna", reason="done in the end")
    anna.record("handover.withdrawn", body, job=job)
    found["withdrawn"] = offer.hash

    contests = {}
    for name in ("contested", "settled"):
        job, opening, offer = offers(anna, "bo", PAYLOAD)
        witnesses(bo, anna, opening, offer)
        accepts(bo, job, offer.hash, synthesis=synthesis)
        body = Withdrawn(roster=anna.roster, offer=offer.hash, sender="anna")
        anna.record("handover.withdrawn", body, job=job)
        found[name] = offer.hash
        contests[name] = job

    job, _, offer = offers(anna, "bo", PAYLOAD)
    moved_job = job
    found["overtaken"] = offer.hash

    long = Payload(summary=LONG * 50, next_actions=tuple(NextAction(what=LONG * 3, owner="bo") for _ in range(12)))
    _, _, offer = offers(anna, "bo", long)
    found["long"] = offer.hash
    await anna.push(here.client, 2)
    await bo.push(here.client, 2)

    dora = await here.staff("dora")
    case = (await dora.get(f"/api/jobs/{contests['settled']}"))["cases"][0]["case"]
    await dora.do(contests["settled"], "resolve", basis=case["basis"], chosen=case["children"][0], reason="Bo is there")
    done = await dora.do(moved_job, "reassign", party="bo", reason="vanished", words="no answer since noon")
    found["reassigned"] = next(one["event"] for one in done["events"] if one["kind"] == "handover.reassigned")
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return Told(tmp_path_factory.mktemp("told") / "handover.db")


def text_of(raw: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(raw)).pages)


OUTCOMES: dict[Outcome, tuple[str, ...]] = {
    "accepted": ("took it", "In person", "seen the acceptance", "2 right and 1 wrong of 5 shown"),
    "reserved": ("reservations below", "two are missing from the box", "has not seen"),
    "refused": ("I am ill", "Nothing has moved"),
    "lapsed": ("was to be answered by 2026-09-21 17:13:20 UTC+02:00", "Nothing has moved"),
    "withdrawn": ("took the offer back", "done in the end"),
    "contested": ("Until a person decides", "withdrew the offer", "accepted"),
    "settled": ("the office decided", "Bo is there"),
    "reassigned": ("cannot be reached: no answer since noon", "not a handover"),
    "overtaken": ("reassigned it to somebody before it was answered",),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_receipt_that_says_it(outcome: Outcome, told: Told) -> None:
    sheet = told.sheet(outcome)
    assert sheet.outcome == outcome
    said = " ".join(text_of(as_pdf(sheet)).split())
    for wanted in (sheet.title, sheet.outcome_words, told.offers[outcome], *OUTCOMES[outcome]):
        assert " ".join(wanted.split()) in said, (wanted, said)
    assert "Żaneta Łącka" in said
    assert "UTC+02:00" in said


def test_an_offer_still_open_says_so_and_that_nothing_moved(told: Told) -> None:
    sheet = told.sheet("offered", at=NOON + 60_000)
    assert (sheet.outcome, "Nothing has moved" in sheet.says) == ("offered", True)


def test_all_of_the_payload_and_the_read_back_is_in_it(told: Told) -> None:
    said = " ".join(text_of(as_pdf(told.sheet("accepted"))).split())
    for wanted in (
        "urgent",
        "in progress",
        "The seal was changed and the pump runs.",
        "pump: runs at 2.1 bar",
        "run at half load, by Żaneta Łącka, because the filter is missing",
        "call back (nobody named)",
        "If pressure above 3 bar: close valve B",
        "the filter (by 2026-09-22 10:00:00 UTC+02:00)",
        "decisions: the customer decides tomorrow",
        "FILTER-7 3 3 3",
        "Fit the filter; above 3 bar close valve B.",
        "Nordpark, Außenstelle",
        "Europe/Warsaw",
    ):
        assert wanted in said, (wanted, said)


def test_the_same_facts_give_the_same_bytes(told: Told) -> None:
    assert as_pdf(told.sheet("reserved")) == as_pdf(told.sheet("reserved"))
    assert as_pdf(told.sheet("reserved", at=LATER + 86_400_000)) == as_pdf(told.sheet("reserved"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_says_its_own_and_tags_it(language: Language, told: Told) -> None:
    reader = PdfReader(BytesIO(as_pdf(told.sheet("accepted", language))))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == language
    info = reader.metadata
    assert info is not None
    assert info.title == f"{words(language)('title.handover')}: {words(language)('outcome.accepted')}"
    said = text_of(as_pdf(told.sheet("accepted", language)))
    assert told.offers["accepted"] in said
    assert NAMES["anna"] in said


def test_training_and_validity_that_were_over_are_said_and_change_no_outcome(tmp_path: Path) -> None:
    told = anyio.run(over, tmp_path / "handover.db")
    con = connect(tmp_path / "handover.db", read_only=True)
    try:
        sheet = sheet_for(con, told, LATER, language="en")
    finally:
        con.close()
    assert sheet.outcome == "accepted"
    said = " ".join(text_of(as_pdf(sheet)).split())
    assert said.count("the person's training had ended") == 1
    assert said.count("the device's key was not valid then") == 1


async def over(path: Path) -> str:
    """Bo, whose training is over, takes what Anna offers on a device that is not valid any more."""
    async with AsyncExitStack() as opened:
        here = await open_backend(path, opened, FixedWorld())
        anna, bo = await here.enrol("anna"), await here.enrol("bo")

        def end(writing: Writing) -> None:
            until = rfc3339(NOON - 86_400_000)
            bos = find(writing.con, PERSON, "bo")
            (annas,) = [(id_, row) for id_, row in all_of(writing.con, DEVICE) if "anna" in row.people]
            assert bos is not None
            row = msgspec.structs.replace(bos, trained_until=until)
            put(writing.con, PERSON, "bo", row, by="test", now_ms=writing.now_ms)
            device = msgspec.structs.replace(annas[1], valid_until=until)
            put(writing.con, DEVICE, annas[0], device, by="test", now_ms=writing.now_ms)
            here.intake.door.cut(writing)

        await here.intake.do(end)
        await catch_up(anna, here.intake)
        await catch_up(bo, here.intake)
        job, opening, offer = offers(anna, "bo", PAYLOAD)
        witnesses(bo, anna, opening, offer)
        accepts(bo, job, offer.hash)
        await anna.push(here.client, 2)
        await bo.push(here.client, 2)
        return offer.hash


def test_in_the_statement_a_long_label_stands_on_a_line_of_its_own(told: Told) -> None:
    lines = as_text(told.sheet("accepted", "de"), ()).splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("In den Worten von")]
    assert lines[at].endswith(":")
    assert lines[at + 1] == " " * 26 + "Fit the filter; above 3 bar close valve B."


def test_a_right_to_left_name_is_shaped_and_can_be_found_in_the_text(told: Told) -> None:
    """Letters of one word join, and what a reader copies or hears is the name as it was given."""
    for language in ("en", "ar"):
        said = text_of(as_pdf(told.sheet("accepted", language)))
        assert any(word in said or word[::-1] in said for word in NAMES["bo"].split()), said[:400]


def test_a_long_text_goes_over_several_pages_that_are_numbered(told: Told) -> None:
    reader = PdfReader(BytesIO(as_pdf(told.sheet("long"))))
    count = len(reader.pages)
    assert count > 2
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {count}" in page.extract_text()
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert said.count("the filter is still to come") >= 50


def test_the_code_is_the_answer_as_it_was_signed(told: Told) -> None:
    sheet = told.sheet("accepted")
    collector = PartsCollector()
    texts = []
    for text in sheet.codes:
        picture = Image.open(BytesIO(png(code_matrix(text))))
        (read,) = zxingcpp.read_barcodes(picture)
        assert read.text == text
        texts.append(read.text)
    if len(texts) == 1:
        frame = read_frame(texts[0])
        assert b'"handover.accepted"' in frame.events[0].raw
    else:
        for text in texts:
            collector = collector.take(text)
        assert collector.frame() is not None


def call(writing: Writing, name: str) -> None:
    row = PersonRow(name=name, roles=("technician",), sites=("*",))
    put(writing.con, PERSON, "anna", row, by="test", now_ms=writing.now_ms)


def test_a_forgotten_name_is_not_in_it(tmp_path: Path) -> None:
    async def forget() -> None:
        async with AsyncExitStack() as opened:
            here = await open_backend(tmp_path / "handover.db", opened)
            await here.intake.do(rename)
            await here.intake.do(here.intake.door.cut)
            anna = await here.enrol("anna")
            _, _, offer = offers(anna, "bo", PAYLOAD)
            await anna.push(here.client, 2)
            for name, is_there in (("Żaneta Łącka", True), ("", False)):
                await here.intake.do(partial(call, name=name))
                await here.intake.do(here.intake.door.cut)
                read = partial(sheet_for, hash_=offer.hash, now_ms=NOON + 1000, language="en")
                sheet = await here.intake.store.reading(read)
                assert ("Żaneta" in text_of(as_pdf(sheet))) is is_there

    anyio.run(forget)


def test_no_language_lacks_a_word() -> None:
    keys = {language: words(language).said.keys() for language in LANGUAGES}
    assert all(keys[language] == keys["en"] for language in LANGUAGES)
    for key, english in words("en").said.items():
        fields = {part.partition("}")[0] for part in english.split("{")[1:]}
        for language in LANGUAGES:
            other = {part.partition("}")[0] for part in words(language).said[key].split("{")[1:]}
            assert other <= fields, (language, key)


def test_the_command_writes_the_receipt(told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "receipt.pdf"
    args = [told.offers["refused"], "--database", str(told.path), "--pdf", str(out), "--language", "pl"]
    assert exports.main(["receipt", *args]) == 0
    assert words("pl")("outcome.refused") in text_of(out.read_bytes())
    assert capsys.readouterr().out.strip() == str(out)
    assert exports.main(["receipt", "A" * 43, "--database", str(told.path)]) == 2
    assert "handover " + "A" * 43 in capsys.readouterr().err
