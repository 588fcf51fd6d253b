"""What a command answers: lines for a person, the same facts as JSON, codes on the screen or as pictures."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from device.agent import Agent
from device.codes import Shown
from device.show import png, terminal
from sync.codec import encode
from sync.problems import NO_FOLDER, Problem


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


def tell(said: Said, args: Namespace) -> int:
    """Afterwards the answer is on stdout, codes drawn where they were asked for; the exit code is given."""
    files = _draw(said.code, args.png) if said.code and args.png else ()
    if args.json:
        facts = msgspec.to_builtins(said.facts)
        if said.code:
            facts = {**facts, "texts": said.code.texts, "pictures": files}
        sys.stdout.buffer.write(encode(facts) + b"\n")
        sys.stdout.buffer.flush()
        return said.exit_code
    for line in said.lines:
        # What people wrote elsewhere must not steer this terminal.
        print("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line))
    if said.code and files:
        for file in files:
            print(f"code drawn to {file}")
    elif said.code:
        for number, text in enumerate(said.code.texts, 1):
            if len(said.code.texts) > 1:
                print(f"part {number} of {len(said.code.texts)}:")
            print(terminal(text))
            print(text)
    return said.exit_code


def _draw(code: Shown, path: Path) -> tuple[str, ...]:
    """PNG files of a code: the one named, or one a part with its number in the name."""
    several = len(code.texts) > 1
    files = []
    for number, text in enumerate(code.texts, 1):
        file = path.with_name(f"{path.stem}-{number}{path.suffix or '.png'}") if several else path
        try:
            file.write_bytes(png(text))
        except OSError as error:
            raise Problem(NO_FOLDER, f"the picture: {error.strerror}", str(file)) from error
        files.append(str(file))
    return tuple(files)


def nothing(_: ArgumentParser) -> None:
    """No arguments."""
