"""How a file is most likely to be read: a mapping guessed from headings and first rows, for a person to confirm.

The words are what exports of dispatch and warehouse systems call these things in English, German and Polish.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from backend.mapping import NUMBERS, REST, TIMES, DateForm, Mapping, local_time
from backend.tables import BadRow, Row, Sheet

_HEADINGS: Final[dict[str, str]] = {
    "id": "id order orderno ordernumber orderid number no nr auftrag auftragsnummer auftragsnr bestellung "
    "bestellnummer belegnummer vorgang aufnr numer numerzamowienia zamowienie zlecenie workorder ticket",
    "source": "source system quelle quellsystem zrodlo origin",
    "kind": "kind type ordertype art auftragsart belegart rodzaj typ",
    "reference": "reference ref relatedorder parent parentorder bezug referenz bezugsauftrag serviceauftrag "
    "odniesienie powiazane dispatchorder",
    "site": "site location plant depot standort ort werk einsatzort lokalizacja miejsce obiekt zaklad siteid",
    "asset": "asset equipment machine unit anlage gerat geraet maschine equipmentnr urzadzenie maszyna assetid",
    "customer": "customer client account kunde kundennummer debitor auftraggeber klient odbiorca customerid",
    "window_from": "windowfrom from start begin earliest notbefore datum date von ab beginn fruhestens termin data od "
    "poczatek dataod plannedstart",
    "window_to": "windowto to end until latest notafter bis ende spatestens do koniec datado plannedend due duedate",
    "minutes": "minutes duration dauer minuten dauermin czas minuty czastrwania durationmin",
    "intent": "intent reason problem subject description betreff beschreibung storung anliegen opis temat",
    "skills": "skills skill qualification qualifikation fahigkeiten umiejetnosci kwalifikacje",
    "priority": "priority prio urgency prioritat dringlichkeit priorytet pilnosc",
    "line": "line lineno item itemno pos position positionsnummer zeile pozycja linia lp",
    "article": "article sku material product part partno artikel artikelnummer teilenummer materialnummer artykul "
    "towar indeks",
    "qty": "qty quantity amount pieces menge anzahl stuck ilosc sztuk",
    "weight_g": "weight weightg gewicht gewichtg waga wagag masa weightkg gewichtkg wagakg masakg grossweight",
    "volume_ml": "volume volumeml volumen objetosc volumel volumenl objetoscl",
    "serials": "serials serial serialno serialnumber seriennummer seriennummern nrseryjny numerseryjny numeryseryjne",
    "cancelled": "cancelled canceled status state storno storniert stan anulowane",
    "reason": "cancelreason stornogrund grund powod powodanulowania",
}
_HOURS: Final[dict[str, str]] = {
    "window_from": "timefrom starttime uhrzeitvon zeitvon von from od godzinaod",
    "window_to": "timeto endtime uhrzeitbis zeitbis bis to do godzinado",
}
_DAYS: Final = frozenset({"date", "datum", "day", "tag", "data", "dzien", "termin"})
_WORDS: Final[dict[str, dict[str, str]]] = {
    "kind": {
        "dispatch": "dispatch service serviceorder workorder repair visit einsatz serviceauftrag reparatur serwis",
        "fulfilment": "fulfilment fulfillment delivery goods pick lieferung waren kommissionierung dostawa towar",
    },
    "priority": {
        "routine": "routine normal low standard medium niedrig mittel p3 p4 3 4 normalny niski zwykly",
        "urgent": "urgent high hoch dringend eilig p2 2 pilny wysoki",
        "critical": "critical emergency highest notfall kritisch sofort p1 1 krytyczny awaria",
    },
    "cancelled": {"true": "cancelled canceled storniert storno void deleted anulowane anulowany skasowane"},
}
_LITRES: Final = frozenset({"volumel", "volumenl", "objetoscl"})
LOOKED_AT: Final = 200
"""Rows from which forms of dates and numbers are guessed."""


def suggest(sheet: Sheet, file: str = "") -> Mapping:
    """The mapping that reads most of this file; what it cannot tell is left to the person who looks."""
    names = [name for name in sheet.headings if name]
    columns: dict[str, str] = {}
    for field, words in _HEADINGS.items():
        found = _called(names, words, columns.values())
        if found:
            columns[field] = found
    rows = sheet.rows[:LOOKED_AT]
    hours = _split_times(names, columns)
    texts = {field: _texts(rows, columns.get(field, "")) for field in _HEADINGS}
    said = {field: meant for field in _WORDS if (meant := _meanings(field, texts[field]))}
    if "cancelled" in said:
        said["cancelled"][REST] = "false"
    constants = {}
    if "source" not in columns:
        constants["source"] = _plain(file.rpartition(".")[0] or file)[:40]
    if "kind" not in columns:
        constants["kind"] = "fulfilment" if "article" in columns else "dispatch"
    return Mapping(
        columns=columns,
        hours=hours,
        constants={field: text for field, text in constants.items() if text},
        words=said,
        dates=_date_form([text for field in TIMES for text in texts[field]]),
        decimal_comma=_has_comma([text for field in NUMBERS for text in texts[field]]),
        weight_in="kg" if _plain(columns.get("weight_g", "")).endswith("kg") else "g",
        volume_in="l" if _plain(columns.get("volume_ml", "")) in _LITRES else "ml",
    )


def fits(mapping: Mapping, sheet: Sheet) -> bool:
    """True where every column that the mapping names is in the file."""
    return bool(mapping.columns) and {*mapping.columns.values(), *mapping.hours.values()} <= set(sheet.headings)


def _plain(text: str) -> str:
    """Letters and figures alone, without accents, in lower case."""
    bare = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "l")).casefold()
    return "".join(one for one in bare if one.isascii() and one.isalnum())


def _called(names: Sequence[str], words: str, taken: Iterable[str]) -> str:
    used = set(taken)
    for word in words.split():
        for name in names:
            if name not in used and _plain(name) == word:
                return name
    return ""


def _split_times(names: Sequence[str], columns: dict[str, str]) -> dict[str, str]:
    """Where one column has the day and others the hours: both ends of the window are of that day."""
    day = next((name for name in names if _plain(name) in _DAYS), "")
    found = {field: _called(names, words, {day}) for field, words in _HOURS.items()}
    if not (day and all(found.values())):
        return {}
    columns |= dict.fromkeys(TIMES, day)
    return found


def _texts(rows: Sequence[Row], heading: str) -> list[str]:
    return [row.cells[heading] for row in rows if heading in row.cells] if heading else []


def _meanings(field: str, texts: Sequence[str]) -> dict[str, str]:
    known = {word: meant for meant, words in _WORDS[field].items() for word in words.split()}
    own = {*_WORDS[field], "false", "true"}
    words = dict.fromkeys(text for text in texts if text.casefold() not in own)
    return {word: known[_plain(word)] for word in words if _plain(word) in known}


def _date_form(texts: Sequence[str]) -> DateForm:
    """The form in which most of them are dates; of two alike the one before the other here."""

    def reads(form: DateForm) -> int:
        count = 0
        for text in texts:
            try:
                local_time("", text, "", form)
            except BadRow:
                continue
            day, month = (int(part) for part in re.findall(r"\d+", text)[:2])
            count += form == "iso" or (month <= 12 if form == "dmy" else day <= 12)
        return count

    forms: tuple[DateForm, ...] = ("iso", "dmy", "mdy")
    return max(forms, key=reads)


def _has_comma(texts: Sequence[str]) -> bool:
    return sum("," in text for text in texts) > sum("." in text for text in texts)
