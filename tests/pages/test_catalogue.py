"""What pages say: the same keys in every language, what is put in is the same, and plurals are whole."""

import re
from string import Formatter

import pytest

from backend.pages.catalogue import areas, choose_language, page_words
from backend.words import LANGUAGES
from tests.lints import ROOT

_USED = re.compile(r"""\bt\(\s*["']([a-z_]+\.[a-z0-9_.-]*)["']\s*(~?)""")


def fields(said: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(said) if name is not None}


@pytest.mark.parametrize("area", areas())
def test_every_language_says_the_same(area: str) -> None:
    by_language = areas()[area]
    assert set(by_language) == set(LANGUAGES)
    english = by_language["en"]
    for language in LANGUAGES:
        said = by_language[language]
        assert said.keys() == english.keys(), language
        for key, one in said.items():
            forms = one if isinstance(one, dict) else {"": one}
            first = english[key]
            wanted = fields(first["other"] if isinstance(first, dict) else first)
            assert isinstance(one, dict) == isinstance(first, dict), (language, key)
            for form in forms.values():
                assert form.strip(), (language, key)
                assert fields(form) <= wanted, (language, key)
            assert wanted <= set().union(*map(fields, forms.values())) | {"count"}, (language, key)


def test_no_key_stands_in_two_areas() -> None:
    keys = [key for by_language in areas().values() for key in by_language["en"]]
    assert len(keys) == len(set(keys))


def test_a_sentence_that_counts_has_every_form_that_its_language_needs() -> None:
    for language in LANGUAGES:
        words = page_words(language)
        categories = set(words.locale.plural_form.tags) | {"other"}
        for key, said in words.said.items():
            if isinstance(said, dict):
                assert set(said) == categories, (language, key)


def test_every_key_that_a_template_names_is_there() -> None:
    said = page_words("en").said
    for file in (ROOT / "backend" / "pages" / "templates").rglob("*.html"):
        for key, goes_on in _USED.findall(file.read_text()):
            is_there = any(one.startswith(key) for one in said) if goes_on else key in said
            assert is_there, (file.name, key)


@pytest.mark.parametrize(
    ("wanted", "accepts", "language"),
    [
        ("de", "pl", "de"),
        ("xx", "pl,en;q=0.5", "pl"),
        ("", "fr, de-AT;q=0.8, en;q=0.9", "en"),
        ("", "fr", "en"),
        ("", "ar;q=nonsense, pl;q=0.1", "pl"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_first_that_is_accepted(wanted: str, accepts: str, language: str) -> None:
    assert choose_language(wanted, accepts) == language
