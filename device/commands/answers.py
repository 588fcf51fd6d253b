"""What a command answers: lines for a person, the same facts as JSON, codes on the screen or as pictures."""

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from device.agent import Agent
from device.codes import Shown
from device.show import png, terminal
from sync.codec import encode
from sync.problems import NO_FOLDER, NOT_DRAWN, Problem


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: `facts` for programs, `lines` for people, a code to show if there is one, and the exit code."""

    facts: object
    lines: tuple[str, ...]
    code: Shown | None = None
    exit_code: int = 0


class Action(NamedTuple):
    """One subcommand: what it does, what it takes, and the doing."""

    help: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Agent, Namespace], Awaitable[Said]]


def check_picture(path: Path) -> None:
    """Return only if a picture can be written there, as far as can be told before; else NO_FOLDER.

    Looked at before anything is recorded: whoever meets a problem does the same again, and would record it twice.
    """
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            is_there = path.exists()
        if path.is_dir() or (is_there and not os.access(path, os.W_OK)):
            raise Problem(NO_FOLDER, "no picture can be written over what is there; nothing was recorded", str(path))
    except OSError as error:
        raise Problem(NO_FOLDER, f"the picture: {error.strerror}; nothing was recorded", str(path)) from error


def tell(said: Said, args: Namespace) -> int:
    """Afterwards the answer is on stdout, codes drawn where they were asked for; the exit code is given.

    NOT_DRAWN, after the answer was told, where a picture could not be written.
    """
    files: tuple[str, ...] = ()
    fault: Problem | None = None
    if said.code and args.png:
        try:
            files = _draw(said.code, args.png)
        except OSError as error:
            fault = Problem(NOT_DRAWN, str(error.strerror), str(error.filename or args.png))
    _say(said, args, files, draws=fault is None and not args.png)
    if fault is not None:
        raise fault
    return said.exit_code


def _say(said: Said, args: Namespace, files: tuple[str, ...], *, draws: bool) -> None:
    if args.json:
        facts = msgspec.to_builtins(said.facts)
        if said.code:
            facts = {**facts, "texts": said.code.texts, "pictures": files}
        sys.stdout.buffer.write(encode(facts) + b"\n")
        sys.stdout.buffer.flush()
        return
    for line in said.lines:
        # What people wrote elsewhere must not steer this terminal.
        print("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line))
    for file in files:
        print(f"code drawn to {file}")
    if said.code and draws:
        for number, text in enumerate(said.code.texts, 1):
            if len(said.code.texts) > 1:
                print(f"part {number} of {len(said.code.texts)}:")
            print(terminal(text))
            print(text)


def _draw(code: Shown, path: Path) -> tuple[str, ...]:
    """PNG files of a code: the one named, or one a part with its number in the name. Raises OSError."""
    several = len(code.texts) > 1
    files = []
    for number, text in enumerate(code.texts, 1):
        file = path.with_name(f"{path.stem}-{number}{path.suffix or '.png'}") if several else path
        file.write_bytes(png(text))
        files.append(str(file))
    return tuple(files)


def nothing(_: ArgumentParser) -> None:
    """No arguments."""
