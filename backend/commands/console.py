"""How commands end: 0 done, 1 a check failed, 2 bad input with a sentence; and the one option that all share."""

import argparse
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from backend.config import Settings
from backend.intake import Door, open_door
from backend.world import Machine
from backend.writing import Writing
from sync.clock import milliseconds
from sync.codec import encode
from sync.ids import is_name
from sync.problems import BAD_ARGUMENT, NO_FILE, Problem, as_sentence

T = TypeVar("T")
DATABASE = Path("handover.db")


class Parser(argparse.ArgumentParser):
    """argparse, ending with 2 and one sentence, to which the names that this product mints are values."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def _parse_optional(self, arg_string: str) -> tuple[argparse.Action | None, str, str | None] | None:
        """Nothing where the word is a value; argparse itself asks no more than whether it begins with a hyphen."""
        if is_name(arg_string) and not any(option.startswith(arg_string) for option in self._option_string_actions):
            return None
        return super()._parse_optional(arg_string)


def parser(name: str, description: str) -> Parser:
    """A parser for `handover NAME` with the option that says where the data is."""
    made = Parser(
        prog=f"handover {name}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_database(made)
    return made


def add_database(made: argparse.ArgumentParser) -> None:
    """Give a parser the option that says where the data is."""
    made.add_argument("--database", type=Path, default=DATABASE, metavar="FILE", help="the SQLite file (%(default)s)")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads an argument that is a whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def address(text: str) -> str:
    """Reads an argument that is what a device can call: http or https, and a host."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or not text.isascii() or len(text) > 500:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no address such as https://office.example")
    return text


def moment(text: str) -> str:
    """Reads an argument that is a time (RFC 3339 with its offset), or empty: no time."""
    if text:
        try:
            milliseconds(text)
        except Problem as problem:
            raise argparse.ArgumentTypeError(problem.detail) from problem
    return text


def finish(name: str, work: Callable[[], int]) -> int:
    """The exit code of `work`; 2 with a sentence on stderr where it met a problem."""
    try:
        return work()
    except Problem as problem:
        print(f"handover {name}: {as_sentence(problem)}", file=sys.stderr)
        return 2


def written(settings: Settings, work: Callable[[Door, Writing], T]) -> T:
    """What `work` returns, committed through the door; a server may be running beside."""
    with open_door(settings, Machine()) as (door, con):
        return door.write_now(con, lambda writing: work(door, writing))


def read(settings: Settings, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` reads of a database that is there; NO_FILE where it is not."""
    need(settings)
    with open_door(settings, Machine()) as (_, con):
        return work(con)


def need(settings: Settings) -> None:
    """Return only if the database is there already: a slip in its name must not make another."""
    if not settings.database.exists():
        raise Problem(NO_FILE, "no database there", str(settings.database))


def read_file(path: Path) -> bytes:
    """The bytes of a file; NO_FILE where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "", str(path)) from error


def write_file(path: Path, raw: bytes) -> None:
    """Afterwards the file holds these bytes, its folder made where it was not there; BAD_ARGUMENT for a folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    except IsADirectoryError as error:
        raise Problem(BAD_ARGUMENT, "a folder of this name is there", str(path)) from error
    except OSError as error:
        raise Problem(NO_FILE, error.strerror or "", str(path)) from error


def show(facts: object, *, as_json: bool, text: str) -> None:
    """Print facts for a program, or the text for a person."""
    print(encode(facts).decode() if as_json else text)
