"""`handover import master` and `handover export master`: all master data in one spreadsheet, in and out."""

import argparse
from pathlib import Path
from typing import Final

import msgspec

from backend.commands.console import add_database, read, read_file, show, written
from backend.commands.people import BY
from backend.config import Settings
from backend.intake import Door
from backend.masters import book, files
from backend.masters.book import csv_file, data_book, remedy, template_book
from backend.masters.sheets import BY_NAME, SHEETS
from backend.masters.taking import Plan, held_rows, lines_of
from backend.pages.catalogue import page_words
from backend.words import LANGUAGES
from backend.writing import Writing
from sync.problems import BAD_ARGUMENT, NO_FILE, Problem

IN: Final = f"""All master data from one spreadsheet: a sheet a kind, or the CSV of one sheet.

sheets: {", ".join(BY_NAME)}

`handover export master` writes the same form, and with --template an empty one that explains each column. Rows name
each other by id, in whatever order they stand. The same file again changes nothing; a row that is not in a file stays
as it is. A bad row is put aside with its place and what to do, as is what names it; --check only tells."""
OUT: Final = (
    "All master data as a spreadsheet that `handover import master` takes again; as FILE.csv the sheet it names."
)


def add_import(step: argparse.ArgumentParser) -> None:
    """The arguments of `handover import master`."""
    step.add_argument("file", type=Path, metavar="FILE.xlsx|SHEET.csv")
    step.add_argument("--check", action="store_true", help="say what it would change, and change nothing")


def add_export(step: argparse.ArgumentParser) -> None:
    """The arguments of `handover export master`."""
    step.add_argument("out", type=Path, metavar="FILE.xlsx|SHEET.csv")
    step.add_argument("--template", action="store_true", help="an empty one, with an example on each sheet")
    step.add_argument("--language", choices=LANGUAGES, default="en", help="of what explains it (%(default)s)")
    step.add_argument("--json", action="store_true", help="print facts as JSON")
    add_database(step)


class Aside(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was put aside, and what to do about it."""

    sheet: str
    line: int
    field: str
    found: str
    remedy: str


def take_in(args: argparse.Namespace) -> int:
    """Run `handover import master`."""
    name = args.file.name
    sent = book.read_file(name, read_file(args.file))
    settings = Settings(database=args.database)

    def work(door: Door, writing: Writing) -> Plan:
        return files.take_sent(door, writing, name, sent, by=BY)

    came = read(settings, lambda con: files.looked_at(con, sent)) if args.check else written(settings, work)
    words = page_words("en")
    bad = [
        Aside(sheet=one.sheet, line=one.line, field=one.field, found=one.found, remedy=remedy(one, words))
        for one in came.bad
    ]
    total = came.total
    did = "would be" if args.check else "are"
    lines = [f"{total.new} new and {total.changed} changed rows {did} taken in, {total.same} as before"]
    lines += [
        f"    {sheet}: {one.new} new, {one.changed} changed"
        for sheet, one in came.counts.items()
        if one.new or one.changed
    ]
    lines += [f"sheet {one!r} is none of ours: not read" for one in sent.strangers]
    lines.append(f"{total.bad} quarantined")
    lines += [f"    {one.sheet} line {one.line}, {one.field}: {one.found!r}. {one.remedy}" for one in bad]
    facts = {"total": total, "sheets": came.counts, "quarantined": bad, "strangers": sent.strangers}
    show(facts | {"checked_only": args.check}, as_json=args.json, text="\n".join(lines))
    return 0


def give_out(args: argparse.Namespace) -> int:
    """Run `handover export master`."""
    words = page_words(args.language)
    rtl = words.direction == "rtl"
    out: Path = args.out
    if args.template:
        raw = template_book(words, right_to_left=rtl)
    else:
        held = read(Settings(database=args.database), held_rows)
        if out.suffix.casefold() == ".csv":
            sheet = BY_NAME.get(out.stem.casefold())
            if sheet is None:
                raise Problem(BAD_ARGUMENT, f"name a CSV file after its sheet: {', '.join(BY_NAME)}", str(out))
            raw = csv_file(sheet, lines_of(sheet, held))
        else:
            raw = data_book(held, SHEETS, words, right_to_left=rtl)
    try:
        out.write_bytes(raw)
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "", str(out)) from error
    show({"path": str(out), "bytes": len(raw)}, as_json=args.json, text=str(out))
    return 0
