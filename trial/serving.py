"""A host's side of its pipe: reads commands, answers each, ends in order when told to or when its parent is gone."""

import asyncio
import os
import sys
from typing import Any, Protocol

from sync.problems import Problem
from trial.wire import Answer, AnyCommand, Stop, line_of, read_command

_MOST_LINE = 64 * 1024 * 1024


class Served(Protocol):
    """What a host is to the loop that serves it."""

    async def start(self) -> Any:  # noqa: ANN401 - each host says what it likes when it is ready
        """Called once; its value is the first answer."""

    async def answer(self, command: AnyCommand) -> Any:  # noqa: ANN401 - each command has its own answer
        """What a command comes to; a problem is answered as one."""

    async def stop(self) -> None:
        """Called once at the end."""


async def _serve(host: Served) -> None:
    reader = asyncio.StreamReader(limit=_MOST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed by anybody else must not be taken for an answer
    try:
        _tell(out, Answer(value=await host.start()))
        while line := await reader.readline():
            command: AnyCommand = read_command(line)
            if isinstance(command, Stop):
                break
            _tell(out, await _answer(host, command))
    finally:
        await host.stop()


async def _answer(host: Served, command: AnyCommand) -> Answer:
    try:
        return Answer(value=await host.answer(command))
    except Problem as problem:
        return Answer(problem=problem.kind.slug, detail=problem.detail)


def _tell(out: int, answer: Answer) -> None:
    line = line_of(answer)
    while line:
        line = line[os.write(out, line) :]


def serve(host: Served) -> None:
    """Serve a host until its end."""
    asyncio.run(_serve(host))
