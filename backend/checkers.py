"""Pushes read and checked in processes of their own, beside the one that judges and writes them.

Reading a push takes more of a processor than all that follows, and needs nothing but bytes and a key. In a thread it
would take the writer's interpreter from it; here each part of a push is judged and written while the next is read, and
the signatures are checked meanwhile. A process ends when its pipe does, however the server ended.
"""

import os
import queue
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from typing import IO, Final, overload

import msgspec

from backend.reading import Arrived, Held, Line, arrived_of, chained, check, line_at, misplaced, read_unproven, unpack
from sync.codec import read_again, read_ours
from sync.ids import b64
from sync.problems import Problem, catalogue
from sync.protocol import Push, PushHeader, PushLine
from sync.seal import Jwk, kid_of

_LENGTH: Final = struct.Struct(">I")
SMALL: Final = 4096
"""So many bytes, as sent, are read sooner than asked for."""
_TOGETHER: Final = 100
"""Lines of one answer: the writer has the first of them while the others are read."""
_KINDS: Final = {kind.slug: kind for kind in catalogue()}


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    """What a process is asked: to read this push of the device with this key."""

    body: bytes
    gzip: bool
    jwk: Jwk


class _Refused(msgspec.Struct, frozen=True, array_like=True):
    """A problem, on its way to the server."""

    slug: str
    detail: str
    where: str

    def problem(self) -> Problem:
        return Problem(_KINDS[self.slug], self.detail, self.where)


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """A push that could be unpacked: what stands before its lines."""

    header: PushHeader
    head_raw: bytes
    jws: str


class _Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line, with hash and times of its event; the rest is soon read again. Without a hash, all of it still is."""

    raw: bytes
    jws: str
    chain: tuple[bytes, bytes]
    hash: str = ""
    times: tuple[int, int] = (0, 0)


_HEAD, _REFUSED, _LINES, _SIGNATURES = b"h", b"r", b"l", b"s"
"""What an answer begins with. A push is answered by its head, its lines and its signatures; a refusal ends it."""
_encode: Final = msgspec.msgpack.Encoder().encode
_read_head: Final = msgspec.msgpack.Decoder(_Head)
_read_refused: Final = msgspec.msgpack.Decoder(_Refused)
_read_lines: Final = msgspec.msgpack.Decoder(list[_Told])


# -- in the server ------------------------------------------------------------
class Coming(Sequence[Line]):
    """The lines of a push on their way from the process that reads it; what is not here yet is waited for."""

    def __init__(self, head: _Head, jwk: Jwk, here: Callable[[], tuple[Arrived, Held]]) -> None:
        """`here` reads the push all over where the process is gone."""
        self._answers: queue.SimpleQueue[list[Line] | bytes] = queue.SimpleQueue()
        self._next_seq = head.header.from_
        self._header = head.header
        self._kid = kid_of(jwk)
        self._jwk = jwk
        self._here = here
        self._lines: list[Line] = []
        self._held: Sequence[bool] | None = None

    def __len__(self) -> int:
        return self._header.to - self._header.from_ + 1

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...
    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        first_only = at == 0
        while len(self._lines) < (1 if first_only else len(self)):
            self._wait()
        return self._lines[at]

    def __iter__(self) -> Iterator[Line]:
        at = 0
        while at < len(self):
            while at >= len(self._lines):
                self._wait()
            for line in self._lines[at:]:
                yield line
                at += 1

    def take(self, answer: bytes) -> None:
        """Afterwards this answer can be waited for, an empty one where the process is gone.

        Lines are read here, not where they are waited for: the writer is in the database half of the time.
        """
        if answer[:1] != _LINES:
            self._answers.put(answer)
            return
        said = _read_lines.decode(memoryview(answer)[1:])
        self._answers.put([self._line(seq, told) for seq, told in enumerate(said, self._next_seq)])
        self._next_seq += len(said)

    def held(self) -> Sequence[bool]:
        """See `Held`."""
        while self._held is None:
            self._wait()
        return self._held

    def _wait(self) -> None:
        answer = self._answers.get()
        if isinstance(answer, list):
            self._lines += answer
        elif answer[:1] == _SIGNATURES:
            self._held = [flag == 1 for flag in answer[1:]]
        elif answer[:1] == _REFUSED:
            self._answers.put(answer)  # for whoever asks again
            raise _read_refused.decode(answer[1:]).problem()
        else:
            arrived, held = self._here()
            self._lines[:] = arrived.lines
            self._held = held()

    def _line(self, seq: int, told: _Told) -> Line:
        if not told.hash:
            return line_at(PushLine(told.raw, told.jws), self._jwk, self._header.log, seq, told.chain)
        event = read_again(told.raw, self._kid if told.jws else "", told.hash, told.times)
        return Line(seq, told.raw, *told.chain, told.jws, event)


class Checkers:
    """So many processes that read pushes; open them with `open_checkers`."""

    def __init__(self, processes: "Sequence[subprocess.Popen[bytes]]") -> None:
        self.processes = tuple(processes)
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for process in processes:
            self._idle.put(process)
        self._threads = ThreadPoolExecutor(len(processes), "checker")

    def read(self, body: bytes, *, gzip: bool, jwk: Jwk) -> "Future[tuple[Arrived, Held]]":
        """What `read_unproven` gives, its lines still coming; where a process is gone, the server reads for itself."""
        told: Future[tuple[Arrived, Held]] = Future()
        self._threads.submit(self._ask, _Asked(body, gzip, jwk), told).add_done_callback(lambda done: _fail(done, told))
        return told

    def _ask(self, asked: _Asked, told: "Future[tuple[Arrived, Held]]") -> None:
        """Afterwards the push was read and all that was said of it is handed over."""
        if not told.set_running_or_notify_cancel():
            return

        def here() -> tuple[Arrived, Held]:
            return read_unproven(asked.body, gzip=asked.gzip, jwk=asked.jwk)

        process = self._idle.get()
        try:
            answer = _receive(process.stdout) if _send(process, _encode(asked)) else b""
            if answer[:1] == _REFUSED:
                told.set_exception(_read_refused.decode(answer[1:]).problem())
            elif answer[:1] == _HEAD:
                head = _read_head.decode(answer[1:])
                coming = Coming(head, asked.jwk, here)
                push = Push(head.header, head.head_raw, head.jws, ())
                told.set_result((arrived_of(push, asked.jwk, coming), coming.held))
                try:
                    while answer and answer[:1] not in (_SIGNATURES, _REFUSED):
                        answer = _receive(process.stdout)
                        coming.take(answer)
                finally:
                    coming.take(b"")  # whatever happened, nobody waits for ever
            else:
                told.set_result(here())
        finally:
            self._idle.put(process)

    def close(self) -> None:
        """Afterwards nobody waits for a process any more."""
        self._threads.shutdown()


def _fail(done: "Future[None]", told: "Future[tuple[Arrived, Held]]") -> None:
    """Whoever waits for a push hears of what stopped its reading."""
    error = done.exception()
    if error is not None and not told.done():
        told.set_exception(error)


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


def _receive(pipe: IO[bytes] | None) -> bytes:
    """What came; nothing where the other end is gone."""
    head = pipe.read(_LENGTH.size) if pipe is not None else b""
    if pipe is None or len(head) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack(head)
    said = pipe.read(length)
    return said if len(said) == length else b""


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
            with suppress(BrokenPipeError):  # what it was never sent was read by the server
                _input(process).close()


# -- in a process -------------------------------------------------------------
def _serve(asks: IO[bytes], answers: IO[bytes]) -> None:
    """Read what is asked until the pipe ends."""
    decoder = msgspec.msgpack.Decoder(_Asked)
    while raw := _receive(asks):
        for answer in _answers(decoder.decode(raw)):
            answers.write(_LENGTH.pack(len(answer)) + answer)
            answers.flush()


def _answers(asked: _Asked) -> Iterator[bytes]:
    """What there is to say of a push, as soon as it is known."""
    try:
        push = unpack(asked.body, gzip=asked.gzip, jwk=asked.jwk)
        yield _HEAD + _encode(_Head(push.header, push.head_raw, push.jws))
        told = (_told(push, at, chain) for at, chain in enumerate(chained(push)))
        while part := list(islice(told, _TOGETHER)):
            yield _LINES + _encode(part)
        yield _SIGNATURES + bytes(check(push, asked.jwk))
    except Problem as problem:
        yield _REFUSED + _encode(_Refused(problem.kind.slug, problem.detail, problem.where))


def _told(push: Push, at: int, chain: tuple[bytes, bytes]) -> _Told:
    line, hash_ = push.lines[at], b64(chain[0])
    event = read_ours(line.raw, "", hash_)
    if event is None or misplaced(event, push.header.log, push.header.from_ + at):
        return _Told(line.raw, line.jws, chain)
    return _Told(line.raw, line.jws, chain, hash_, (event.wall_ms, event.occurred_ms))


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
