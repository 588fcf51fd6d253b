"""Labels: whose there are, where they stand on the sheet, and that what is printed is what a scanner reads."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from backend.commands import labels as command
from backend.commands.console import written
from backend.config import Settings
from backend.labels import Wanted, find_labels
from backend.master import SITE, SiteRow, put
from backend.masters.rows import ASSET, POINT, AssetRow, PointRow
from backend.printing.label_sheet import READ_MM, Label, label_sheets, reads_from_cm
from backend.printing.stock import STOCKS, Stock, find_stock
from backend.printing.symbols import label_matrix, png
from backend.store.sqlite import connect
from backend.words import LANGUAGES, Language, words
from backend.writing import Writing
from device.scan import codes_in_image
from sync.cards import label_text
from sync.problems import BAD_ARGUMENT, NOT_FOUND, Problem
from tests.printed import codes_on, pages
from trial.camera import Conditions, photograph

NAMES = {
    "mill": "The mill",
    "młyn-3": "Zażółć gęślą jaźń, przepompownia",
    "GRÖSSE/7 b": "Pumpwerk Nord, Kellergeschoss hinten links",
    "مضخة-٧": "محطة الضخ الشمالية",  # noqa: RUF001 - an Arabic seven
    "a1b2c3d4-e5f6-7890-abcd-ef1234567890": "A name that goes on and on until nobody wants to read it any further",
    "PUMP-7": "",
}


def made(kind: str = "asset", count: int = 6) -> list[Label]:
    ids = list(NAMES)
    return [
        Label(
            kind=kind,  # type: ignore[arg-type]
            id=id_,
            name=NAMES[ids[number % len(ids)]],
            site="mill",
            site_name="The mill",
            text=label_text(id_),
        )
        for number, id_ in enumerate([*ids, *(f"PUMP-{number}" for number in range(100, 200))][:count])
    ]


# -- what has a label -----------------------------------------------------------
@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "x.db"

    def settle(_: object, writing: Writing) -> None:
        con, by, now_ms = writing.con, "ada", writing.now_ms
        put(con, SITE, "mill", SiteRow(name="The mill"), by=by, now_ms=now_ms)
        put(con, SITE, "quay", SiteRow(name="The quay"), by=by, now_ms=now_ms)
        put(con, POINT, "dock-7", PointRow(name="Dock 7", site="quay"), by=by, now_ms=now_ms)
        put(con, ASSET, "pump-7", AssetRow(name="Feed pump", type="pump", site="mill"), by=by, now_ms=now_ms)
        put(con, ASSET, "gate-1", AssetRow(name="Gate", type="gate", site="mill"), by=by, now_ms=now_ms)
        put(con, ASSET, "quay", AssetRow(type="gate", site="quay"), by=by, now_ms=now_ms)

    written(Settings(database=path), settle)
    return path


@pytest.fixture
def found(database: Path) -> Iterator[Callable[..., list[str]]]:
    with closing(connect(database)) as con:
        yield lambda wanted=None, keys=None: [one.id for one in find_labels(con, wanted or Wanted(), keys)]


def test_labels_come_site_by_site_the_site_its_points_its_assets(found: Callable[..., list[str]]) -> None:
    assert found() == ["mill", "gate-1", "pump-7", "quay", "dock-7", "quay"]
    assert found(Wanted(sites=("quay",))) == ["quay", "dock-7", "quay"]
    assert found(Wanted(kinds=("asset",), types=("gate",))) == ["gate-1", "quay"]
    assert found(Wanted(find="FEED")) == ["pump-7"]
    assert found(Wanted(ids=("dock-7", "mill"))) == ["mill", "dock-7"]


def test_what_is_out_of_scope_is_as_if_it_were_not_there(found: Callable[..., list[str]]) -> None:
    assert found(keys={"site:mill", "party:dora"}) == ["mill", "gate-1", "pump-7"]
    assert found(keys=set()) == []
    for wanted in (Wanted(sites=("quay",)), Wanted(ids=("dock-7",)), Wanted(sites=("nowhere",))):
        with pytest.raises(Problem) as caught:
            found(wanted, {"site:mill"})
        assert caught.value.kind is NOT_FOUND


def test_an_id_that_means_two_things_is_said_to(database: Path) -> None:
    with closing(connect(database)) as con:
        assert {one.id for one in find_labels(con, Wanted()) if one.doubtful} == {"quay"}


# -- what is printed ------------------------------------------------------------
@pytest.mark.parametrize("stock", STOCKS, ids=lambda stock: stock.name)
def test_what_is_printed_on_every_sheet_is_read_back_where_it_stands(stock: Stock, tmp_path: Path) -> None:
    start = min(3, stock.count)
    labels = made(count=min(stock.count + 1, 6))
    pdf = label_sheets(labels, stock, words("ar"), 0, start=start)
    for dpi in (150, 300) if stock is STOCKS[0] else (150,):
        seen: dict[str, tuple[int, float, float]] = {}
        for number, page in enumerate(pages(pdf, tmp_path, dpi)):
            seen |= {text: (number, *where) for text, where in codes_on(page).items()}
        assert seen.keys() == {one.text for one in labels}
        for place, label in enumerate(labels, start - 1):
            (left, top), (width, height) = stock.corner(place % stock.count), stock.label
            page_number, x, y = seen[label.text]
            assert page_number == place // stock.count
            assert left < x * stock.paper[0] < left + width
            assert top < y * stock.paper[1] < top + height


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_says_in_each_language_what_it_stands_on(language: Language) -> None:
    labels = [*made("site", 1), *made("point", 1), *made("asset", 1)]
    read = PdfReader(io.BytesIO(label_sheets(labels, STOCKS[0], words(language), 0))).pages[0].extract_text()
    for text in ("The mill", "mill"):
        assert text in read
    if language != "ar":  # Arabic comes out shaped, and each reader puts it together in its own way
        assert all(words(language).of("labelled", one.kind) in read for one in labels)


def test_sheets_fit_their_paper() -> None:
    for stock in STOCKS:
        (left, top), (right, bottom) = stock.corner(0), stock.corner(stock.count - 1)
        assert min(left, top) >= 0
        assert right + stock.label[0] <= stock.paper[0] + 1e-6
        assert bottom + stock.label[1] <= stock.paper[1] + 1e-6


def test_a_place_that_is_not_on_the_sheet_is_refused() -> None:
    for start, labels in ((0, made()), (25, made()), (1, [])):
        with pytest.raises(Problem) as caught:
            label_sheets(labels, find_stock("a4-3x8"), words("en"), 0, start=start)
        assert caught.value.kind is BAD_ARGUMENT


# -- from afar --------------------------------------------------------------------
CAMERA_PX_A_MM = 1920 / 840
"""At 60 cm a lens of 70 degrees sees 84 cm (2 x 60 x tan 35), on 1,920 pixels."""


def test_codes_of_28_mm_are_read_at_60_cm() -> None:
    conditions = Conditions(side_px=round(28 * CAMERA_PX_A_MM), blur=0.3, jpeg_quality=80)
    rng = np.random.default_rng(2026)
    got = []
    for id_ in NAMES:
        matrix = label_matrix(label_text(id_))
        assert 28 / len(matrix) >= READ_MM
        for _ in range(10):
            picture = Image.open(io.BytesIO(photograph(png(matrix), rng, conditions)))
            got.append(codes_in_image(picture) == (label_text(id_),))
    assert sum(got) >= 0.97 * len(got), f"{sum(got)} of {len(got)}"


def test_a_module_that_is_too_small_for_60_cm_is_not_read_there() -> None:
    """The distance that is said is no idle one: at three quarters of the size most pictures are lost."""
    matrix = label_matrix(label_text("x" * 38))
    conditions = Conditions(side_px=round(len(matrix) * READ_MM * 0.75 * CAMERA_PX_A_MM), blur=0.3, jpeg_quality=80)
    rng = np.random.default_rng(2026)
    pictures = [Image.open(io.BytesIO(photograph(png(matrix), rng, conditions))) for _ in range(20)]
    assert sum(bool(codes_in_image(picture)) for picture in pictures) < 10


def test_how_far_a_label_reads_falls_with_the_length_of_its_id() -> None:
    short, long = (
        Label(kind="asset", id=id_, name="", site="", site_name="", text=label_text(id_)) for id_ in ("P7", "p" * 150)
    )
    sheet = find_stock("a4-3x8")
    assert reads_from_cm(short, sheet) > 75
    assert reads_from_cm(long, sheet) < 60 < reads_from_cm(long, find_stock("a6"))


# -- the command ------------------------------------------------------------------
def test_the_command_writes_sheets_and_says_what_to_look_out_for(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pdf = tmp_path / "new" / "labels.pdf"
    assert command.main(["quay", "--pdf", str(pdf), "--start", "23", "--json", "--database", str(database)]) == 0
    out, err = capsys.readouterr()
    assert [one["text"] for one in json.loads(out)["labels"]] == ["HS1:quay", "HS1:dock-7", "HS1:quay"]
    assert (json.loads(out)["pages"], len(PdfReader(pdf).pages)) == (2, 2)
    assert "quay" in err
    for wrong in (["nowhere"], ["--find", "nothing like it"], ["--start", "10", "--sheet", "a4-2x4"]):
        assert command.main([*wrong, "--pdf", str(pdf), "--database", str(database)]) == 2
        assert "Traceback" not in capsys.readouterr().err
