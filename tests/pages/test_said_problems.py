"""Problems as people read them: every kind has its words in every language, and pages say them."""

import pytest

from backend.pages.catalogue import areas, page_words
from backend.pages.shell import said_problem
from backend.words import LANGUAGES, Language
from sync.problems import WEAK_PASSWORD, Problem, catalogue

OTHERS = [language for language in LANGUAGES if language != "en"]
"""English stands in sync/problems.py."""


@pytest.mark.parametrize("language", OTHERS)
def test_every_kind_of_problem_is_said_in_every_language(language: Language) -> None:
    said = areas()["problems"][language]
    kinds = {f"{group}.{kind.slug}" for kind in catalogue() for group in ("problem", "advice")}
    keys = {key for key in said if key.partition(".")[0] in ("problem", "advice")}
    file = f"backend/pages/words/problems.{language}.json"
    assert not kinds - keys, f"say in {file}, in the terms of GLOSSARY.md, what these kinds are called and advise"
    assert not keys - kinds, f"take out of {file} what names no kind of sync/problems.py"
    assert all(isinstance(text, str) and text.strip() for text in said.values())


def test_english_is_what_the_catalogue_of_kinds_says() -> None:
    assert "en" not in areas()["problems"]
    said = said_problem(page_words("en"), Problem(WEAK_PASSWORD))
    assert (said["title"], said["advice"]) == (WEAK_PASSWORD.title, WEAK_PASSWORD.advice)


@pytest.mark.parametrize("language", OTHERS)
def test_a_problem_is_read_in_the_language_of_the_page(language: Language) -> None:
    words = page_words(language)
    for kind in catalogue():
        said = said_problem(words, Problem(kind))
        assert (said["title"], said["advice"]) == (
            words.said[f"problem.{kind.slug}"],
            words.said[f"advice.{kind.slug}"],
        )
        assert said["title"] != kind.title
        assert said["advice"] != kind.advice
