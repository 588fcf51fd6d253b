"""Signatures checked in processes of their own, while the server decodes, judges and writes the same push.

One Ed25519 check takes as long as all else that is done to five events, and needs nothing but bytes and a key. In a
thread it would wait for the interpreter after each of them. A process ends when its pipe does, however the server
ended.
"""

import os
import queue
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import IO, Final

import msgspec

from backend.reading import Held, Signed, check_here
from sync.seal import Jwk

_LENGTH: Final = struct.Struct(">I")
_FEW: Final = 4
"""So many signatures are checked sooner than asked for."""


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    """What a process is asked: which of these are the signatures of this key as `ho-event`."""

    jwk: Jwk
    signed: tuple[Signed, ...]


_encode: Final = msgspec.msgpack.Encoder().encode


class Checkers:
    """So many processes that check signatures; open them with `open_checkers`."""

    def __init__(self, processes: "Sequence[subprocess.Popen[bytes]]") -> None:
        self.processes = tuple(processes)
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for process in processes:
            self._idle.put(process)
        self._waiting = ThreadPoolExecutor(len(processes), "checker")

    def check(self, jwk: Jwk, signed: Sequence[Signed]) -> Held:
        """See `Check`: they are checked while the caller does something else, until it asks."""
        if len(signed) <= _FEW:
            return check_here(jwk, signed)
        return self._waiting.submit(self._ask, jwk, tuple(signed)).result

    def _ask(self, jwk: Jwk, signed: tuple[Signed, ...]) -> Sequence[bool]:
        """Where a process is gone, what it was asked is checked here all the same."""
        process = self._idle.get()
        try:
            said = _receive(process.stdout) if _send(process, _encode(_Asked(jwk, signed))) else None
        finally:
            self._idle.put(process)
        return [flag == 1 for flag in said] if said is not None else check_here(jwk, signed)()

    def close(self) -> None:
        """Afterwards nobody waits for a process any more."""
        self._waiting.shutdown()


def _send(process: "subprocess.Popen[bytes]", said: bytes) -> bool:
    """Afterwards it was sent, if this is True; else the process is gone."""
    pipe = _input(process)
    try:
        pipe.write(_LENGTH.pack(len(said)) + said)
        pipe.flush()
    except BrokenPipeError:
        return False
    return True


def _input(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    if process.stdin is None:
        raise TypeError("a checker has a pipe")
    return process.stdin


def _receive(pipe: IO[bytes] | None) -> bytes | None:
    """What came, or None where the other end is gone."""
    head = pipe.read(_LENGTH.size) if pipe is not None else b""
    if pipe is None or len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    said = pipe.read(length)
    return said if len(said) == length else None


@contextmanager
def open_checkers(count: int) -> Iterator[Checkers | None]:
    """So many processes, ready; None where none are wanted. Afterwards they have ended."""
    with ExitStack() as opened:
        processes = [opened.enter_context(_process()) for _ in range(count)]
        if not processes:
            yield None
            return
        with closing(Checkers(processes)) as checkers:
            yield checkers


@contextmanager
def _process() -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-m", "backend.checkers"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    pipe = subprocess.PIPE
    # In a group of its own: a Ctrl-C is the server's to hear, and the pipe's end is enough for a process of ours.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, process_group=0) as process:
        try:
            yield process
        finally:
            process.kill()  # it holds nothing, and may be in the middle of a push that nobody waits for any more
            with suppress(BrokenPipeError):  # what it was never sent was checked by the server
                _input(process).close()


def _serve(asks: IO[bytes], answers: IO[bytes]) -> None:
    """Check what is asked until the pipe ends."""
    decoder = msgspec.msgpack.Decoder(_Asked)
    while (raw := _receive(asks)) is not None:
        asked = decoder.decode(raw)
        said = bytes(check_here(asked.jwk, asked.signed)())
        answers.write(_LENGTH.pack(len(said)) + said)
        answers.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
