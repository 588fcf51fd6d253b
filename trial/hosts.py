"""Processes of the product's two sides, as the engine holds them: started, spoken to, killed, started again."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from sync.problems import HOST_GONE, Problem
from trial.wire import Answer, Command, Stop, line_of, read_answer

STOP_S = 10.0
"""A host that is asked to end has this long."""


class HostSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a host is given on its command line, as JSON: who it is, where its data lies, which world it lives in."""

    name: str
    directory: str
    seed: int
    life: int
    true_ms: int
    shift_ms: int = 0
    url: str = ""


class Refused(Exception):
    """The host said no, with a problem of the product; `slug` names it."""

    def __init__(self, slug: str, detail: str) -> None:
        super().__init__(f"{slug}: {detail}")
        self.slug = slug
        self.detail = detail


class Host:
    """One running process; `module` is what it runs. Commands are answered in their order."""

    def __init__(self, module: str, spec: HostSpec) -> None:
        self.name = spec.name
        self.directory = Path(spec.directory)
        self._told = False
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "stderr").open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, msgspec.json.encode(spec).decode()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def ask(self, command: Command) -> Any:  # noqa: ANN401 - each command has its own answer
        """The answer's value. Refused where the product says no, HOST_GONE where the process died."""
        self.send(command)
        return self.receive()

    def send(self, command: Command) -> None:
        """The command is on its way; `receive` gives its answer."""
        if self._process.stdin is None:
            raise TypeError("a host has a pipe")
        try:
            self._process.stdin.write(line_of(command))
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self.gone() from error

    def receive(self) -> Any:  # noqa: ANN401 - as above
        """The answer to the oldest command that was not answered yet; see `ask`."""
        if self._process.stdout is None:
            raise TypeError("a host has a pipe")
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self.gone()
        answer: Answer = read_answer(line)
        if answer.problem:
            raise Refused(answer.problem, answer.detail)
        return answer.value

    def gone(self) -> Problem:
        """How the process ended that should not have: the last thing it said."""
        code = self._process.wait()
        said = (self.directory / "stderr").read_text("utf-8", "replace").strip().splitlines()
        return Problem(
            HOST_GONE, f"exit {code}{': ' + said[-1] if said and code != -signal.SIGKILL else ''}", self.name
        )

    def kill(self) -> None:
        """The process is gone, by SIGKILL, at whatever it was doing."""
        self._process.kill()
        self._close()

    def say_stop(self) -> None:
        """The process is told to end, once; it is not waited for."""
        if self.alive and not self._told:
            self._told = True
            try:
                self.send(Stop())
            except Problem:  # it died just now
                return

    def stop(self) -> None:
        """The process ended in order; killed if it takes too long."""
        self.say_stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._close()

    def _close(self) -> None:
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # what was not read by a dead process is lost on purpose
