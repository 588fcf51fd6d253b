"""Problems as people read them: every kind and every detail has its words in every language, and pages say them."""

import ast
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from backend.accounts.passwords import strong_enough
from backend.pages.catalogue import areas, page_words
from backend.pages.misfits import misfit
from backend.pages.shell import said_problem
from backend.words import LANGUAGES, Language
from sync.details import HOST_UNKNOWN, NO_CHOICE, NO_TIME, details
from sync.problems import BAD_TABLE, NOBODY_THERE, WEAK_PASSWORD, WRONG_INPUT, Problem, catalogue
from tests.lints import ROOT

OTHERS = [language for language in LANGUAGES if language != "en"]
"""English stands in sync/problems.py and sync/details.py."""
ROOMS = ("accounts", "pages", "policies", "webhooks")
"""Where problems are found that people meet in forms."""


@pytest.mark.parametrize("language", OTHERS)
def test_every_kind_and_detail_of_a_problem_is_said_in_every_language(language: Language) -> None:
    tables = {
        "problems": {f"{group}.{kind.slug}" for kind in catalogue() for group in ("problem", "advice")},
        "details": {f"found.{detail.key}" for detail in details()},
    }
    for area, wanted in tables.items():
        said = areas()[area][language].keys()
        missing, left = sorted(wanted - said), sorted(said - wanted)
        file = f"backend/pages/words/{area}.{language}.json"
        assert not missing, f"say these in {file}, in the words of GLOSSARY.md, section In other languages: {missing}"
        assert not left, f"take these out of {file}, which sync/{area}.py does not have: {left}"


def test_a_problem_is_read_in_the_language_of_the_page() -> None:
    with pytest.raises(Problem) as caught:
        strong_enough("abcdefg")
    assert str(caught.value) == f"{WEAK_PASSWORD.title}: password: 7 of at least 12 characters"
    said = {language: said_problem(page_words(language), caught.value) for language in LANGUAGES}
    assert {one["where"] for one in said.values()} == {"password"}
    assert said["en"]["title"] == WEAK_PASSWORD.title
    assert (said["en"]["place"], said["en"]["detail"]) == ("Password", "7 of at least 12 characters")
    assert (said["de"]["place"], said["de"]["detail"]) == ("Passwort", "7 von mindestens 12 Zeichen")
    for name in ("title", "advice", "place", "detail"):
        assert len({one[name] for one in said.values()}) == len(LANGUAGES), name


def test_a_password_that_is_too_long_is_not_called_too_short() -> None:
    with pytest.raises(Problem, match="201 characters, and 200 at most are taken"):
        strong_enough("a" * 201)


def test_a_detail_begins_like_a_sentence_unless_it_begins_with_what_was_found() -> None:
    words = page_words("de")
    assert said_problem(words, Problem(WRONG_INPUT, NO_TIME.of()))["detail"] == "Geben Sie Datum und Uhrzeit an"
    host = said_problem(words, Problem(NOBODY_THERE, HOST_UNKNOWN.of(host="erp.example")))
    assert host["detail"] == "erp.example hat keine Adresse"


def test_what_is_of_another_direction_moves_nothing_around_it() -> None:
    words = page_words("ar")
    raw = said_problem(words, Problem(WRONG_INPUT, "Expected `str`, got `int`", "x.y"))
    assert (raw["place"], raw["detail"]) == ("\u2068x.y\u2069", "\u2068Expected `str`, got `int`\u2069")
    found = said_problem(words, Problem(WRONG_INPUT, NO_CHOICE.of(text="leg")))["detail"]
    assert found.startswith("\u2068leg\u2069 ")


def test_a_line_of_a_file_is_called_a_line() -> None:
    assert said_problem(page_words("pl"), Problem(BAD_TABLE, "", "line 7"))["place"] == "Wiersz 7"
    assert said_problem(page_words("pl"), Problem(BAD_TABLE, "", "people.csv"))["place"] == "people.csv"


class Line(msgspec.Struct):
    """A table within a form."""

    text: Annotated[str, Meta(min_length=2, max_length=3)] = "abc"
    count: Annotated[int, Meta(ge=1, le=5)] = 1
    arm: Literal["prompt", "shadow"] = "prompt"


class Sheet(msgspec.Struct):
    """A form."""

    name: Annotated[str, Meta(min_length=1)]
    lines: Annotated[tuple[Line, ...], Meta(max_length=2)] = ()


@pytest.mark.parametrize(
    ("form", "where", "detail"),
    [
        ({}, "name", "nothing stands here"),
        ({"name": ""}, "name", "nothing stands here"),
        ({"name": "x", "lines": [{}, {"text": "a"}]}, "lines.text", "2 characters at least"),
        ({"name": "x", "lines": [{"text": "abcd"}]}, "lines.text", "3 characters at most"),
        ({"name": "x", "lines": [{"count": 0}]}, "lines.count", "1 at least"),
        ({"name": "x", "lines": [{"count": 6}]}, "lines.count", "5 at most"),
        ({"name": "x", "lines": [{"arm": "leg"}]}, "lines.arm", "leg is none of what can be chosen"),
        ({"name": "x", "lines": [{}, {}, {}]}, "lines", "2 at most"),
        ({"name": 7}, "name", "Expected `str`, got `int`"),
    ],
)
def test_what_does_not_fit_is_said_of_its_field(form: dict[str, object], where: str, detail: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(form, Sheet)
    problem = misfit(caught.value)
    assert (problem.kind, problem.where, problem.detail) == (WRONG_INPUT, where, detail)


def _raised() -> list[tuple[str, ast.Call]]:
    files = [file for room in ROOMS for file in sorted((ROOT / "backend" / room).rglob("*.py"))]
    return [
        (f"{file.relative_to(ROOT)}:{node.lineno}", node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem"
    ]


def _is_english(detail: ast.expr) -> bool:
    parts = detail.values if isinstance(detail, ast.JoinedStr) else [detail]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(" " in text and text.strip() for text in texts)


def test_what_people_meet_in_forms_is_no_english_alone() -> None:
    english = [at for at, call in _raised() if len(call.args) > 1 and _is_english(call.args[1])]
    assert not english, "give these a detail of sync/details.py, and its words in each language"


def test_what_people_meet_in_forms_names_fields_as_people_do() -> None:
    words = page_words("en")
    places = [(call.args[2], at) for at, call in _raised() if len(call.args) > 2]
    fields = {(str(place.value), at) for place, at in places if isinstance(place, ast.Constant)}
    unnamed = [at for field, at in fields if not any(words.has(f"{group}.{field}") for group in ("where", "field"))]
    assert not unnamed, "say in backend/pages/words/where.LANGUAGE.json what people call the fields named here"
