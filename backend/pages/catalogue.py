"""What pages say, in each language: many small files, one an area and language, joined into one catalogue a language.

A sentence that counts is an object by plural category (CLDR, from Babel): `{"one": "…", "other": "…"}`, chosen by what
is given as `count`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal

from backend.words import LANGUAGES, Language, Words, words
from sync.clock import milliseconds, rfc3339
from sync.codec import decode
from sync.details import details
from sync.problems import catalogue

NATIVE: Final[Mapping[Language, str]] = {"en": "English", "de": "Deutsch", "pl": "Polski", "ar": "العربية"}
"""What each language calls itself."""
_SHARED: Final = frozenset({"element", "met", "priority", "state"})
"""Words for closed lists that receipts say as well: `priority.urgent`; they stand in `backend.words`."""
_FOLDER: Final = "backend.pages.words"
_LOCALES: Final[Mapping[Language, Locale]] = {
    "en": Locale("en", "GB"),
    "de": Locale("de"),
    "pl": Locale("pl"),
    "ar": Locale("ar"),
}

Said = str | dict[str, str]


class PageWords:
    """One language, and how it writes numbers and times."""

    def __init__(self, language: Language, said: dict[str, Said]) -> None:
        self.language = language
        self.locale = _LOCALES[language]
        self.said = said
        self._isolating = Words(language, {})
        self.direction = "rtl" if self._isolating.is_rtl else "ltr"

    def __call__(self, key: str, **given: object) -> str:
        """The sentence of this key with what is given put in; a key that is missing is an error of ours."""
        said = self.said[key]
        if isinstance(said, dict):
            count = given.get("count")
            category = self.locale.plural_form(count) if isinstance(count, int | float) else "other"
            said = said.get(category, said["other"])
        shown = {name: self._shown(value) for name, value in given.items()}
        return said.format(**shown) if shown else said

    def of(self, group: str, value: str) -> str:
        """The word for a value of a closed list, such as `priority.urgent`; a value without one as it is."""
        said = self.said.get(f"{group}.{value}", value)
        return said if isinstance(said, str) else said["other"]

    def has(self, key: str) -> bool:
        """True where there is a sentence of this key."""
        return key in self.said

    def isolated(self, text: str) -> str:
        """A text that somebody gave, or of another language, so that it moves nothing around it."""
        return self._isolating.isolated(text)

    def _shown(self, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return format_decimal(value, locale=self.locale)
        return self.isolated(str(value))

    # -- times and numbers ----------------------------------------------------
    def number(self, value: float) -> str:
        """A number as this language writes it."""
        return str(format_decimal(value, locale=self.locale))

    def when(self, ms: int | None, zone: str) -> str:
        """Date and time of ms since 1970 in a zone (IANA name); "" for None."""
        return "" if ms is None else format_datetime(_at(ms), "medium", tzinfo=ZoneInfo(zone), locale=self.locale)

    def day(self, ms: int | None, zone: str) -> str:
        """The date alone."""
        at = None if ms is None else _at(ms).astimezone(ZoneInfo(zone))
        return "" if at is None else format_date(at, "medium", locale=self.locale)

    def date(self, day: str) -> str:
        """A day of the calendar, given as 2026-03-01, as this language writes it."""
        return str(format_date(date.fromisoformat(day), "medium", locale=self.locale))

    def clock(self, ms: int | None, zone: str) -> str:
        """The time of day alone, to the minute."""
        return "" if ms is None else format_time(_at(ms), "short", tzinfo=ZoneInfo(zone), locale=self.locale)

    @staticmethod
    def ms(text: str) -> int:
        """Milliseconds since 1970 of a time as machines write it."""
        return milliseconds(text)

    @staticmethod
    def iso(ms: int) -> str:
        """The instant as machines read it."""
        return rfc3339(ms)

    def ago(self, ms: int, now_ms: int) -> str:
        """How long ago, or in how long, in the largest unit that fits."""
        return str(format_timedelta((ms - now_ms) // 1000, add_direction=True, locale=self.locale))

    def span(self, ms: int) -> str:
        """How long that is, in the largest unit that fits."""
        return str(format_timedelta(ms // 1000, locale=self.locale))


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def areas() -> dict[str, dict[Language, dict[str, Said]]]:
    """Every file of the catalogue: by area, by language, its sentences by key; English problems from their tables."""
    found: dict[str, dict[Language, dict[str, Said]]] = {"problems": {"en": _kinds()}, "details": {"en": _details()}}
    for file in sorted(resources.files(_FOLDER).iterdir(), key=lambda file: file.name):
        area, _, rest = file.name.partition(".")
        language = rest.removesuffix(".json")
        if rest.endswith(".json") and language in LANGUAGES:
            found.setdefault(area, {})[language] = decode(file.read_bytes(), dict[str, Said], file.name)
    return found


def _kinds() -> dict[str, Said]:
    titles: dict[str, Said] = {f"problem.{kind.slug}": kind.title for kind in catalogue()}
    return titles | {f"advice.{kind.slug}": kind.advice for kind in catalogue()}


def _details() -> dict[str, Said]:
    return {f"found.{detail.key}": detail.sentence for detail in details()}


@cache
def page_words(language: Language) -> PageWords:
    """The catalogue of a language."""
    said: dict[str, Said] = {key: one for key, one in words(language).said.items() if key.partition(".")[0] in _SHARED}
    for by_language in areas().values():
        said |= by_language.get(language, {})
    return PageWords(language, said)


def choose_language(wanted: str, accepts: str) -> Language:
    """The language that was chosen, else the first that the browser accepts and there is, else English.

    `accepts` is an Accept-Language header (RFC 9110, 12.5.4); weights that cannot be read count as 0.
    """
    for language in LANGUAGES:
        if wanted == language:
            return language
    weighted: list[tuple[float, int, Language]] = []
    for place, part in enumerate(accepts.split(",")[:20]):
        tag, _, weight = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        weighted.extend((-_weight(weight), place, language) for language in LANGUAGES if language == primary)
    return min(weighted)[2] if weighted else "en"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not text.strip():
        return 1.0
    try:
        return float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
