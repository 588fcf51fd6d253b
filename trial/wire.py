"""What the engine and its hosts say to each other: one JSON line a command, one JSON line an answer, over a pipe."""

from typing import Any

import msgspec

from sync.signals import Surroundings
from trial.links import LinkCounts, What
from trial.scenario import Scenario
from trial.steps import AnyStep


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", omit_defaults=True):
    """Something a host is to do; it answers when it is done."""


class SetClock(Command, frozen=True, kw_only=True, tag="set_clock"):
    """It is `true_ms` now (ms since 1970), and the wall clock there is off by `shift_ms`."""

    true_ms: int
    shift_ms: int = 0


class CrashAt(Command, frozen=True, kw_only=True, tag="crash_at"):
    """The process is to die of SIGKILL at this named point; "" takes it back."""

    point: str


class Perform(Command, frozen=True, kw_only=True, tag="perform"):
    """The step, its names replaced by hashes and ids, is done by `by`.

    `job` is the job it is about, `offer` the offer that it answers or whose acceptance it names, as far as there
    are any. `pictures` are the files of scanned codes.
    """

    step: AnyStep
    by: str
    job: str = ""
    offer: str = ""
    pictures: tuple[str, ...] = ()


class Look(Command, frozen=True, kw_only=True, tag="look"):
    """Tell what is shown at this time."""

    as_of_ms: int


class Stop(Command, frozen=True, kw_only=True, tag="stop"):
    """End in order."""


# -- a device ------------------------------------------------------------------
class Enrol(Command, frozen=True, kw_only=True, tag="enrol"):
    """Enrol with this code, and sync once."""

    code: str


class Show(Command, frozen=True, kw_only=True, tag="show"):
    """Draw the code of the event with this hash as pictures beside `path`."""

    event: str
    path: str


class SyncNow(Command, frozen=True, kw_only=True, tag="sync_now"):
    """Push and pull, whatever timer runs."""


class Network(Command, frozen=True, kw_only=True, tag="network"):
    """The line changes, or a fault is ordered."""

    online: bool | None = None
    lose_requests: int = 0
    lose_replies: int = 0
    of: What = "push"
    copies: int = 0
    hold_up: bool = False


class Listen(Command, frozen=True, kw_only=True, tag="listen"):
    """Listen to a broker on this port of the loopback until the process ends; done once it is connected."""

    port: int
    topics: tuple[str, ...]
    around: Surroundings


class Heard(Command, frozen=True, kw_only=True, tag="heard"):
    """So many messages were published since this process listens: wait until they are committed, then weigh them."""

    messages: int


# -- the backend ---------------------------------------------------------------
class SetUp(Command, frozen=True, kw_only=True, tag="set_up"):
    """The cast is entered: people, teams, sites, devices, policies; the answer has an enrolment code a device."""

    scenario: Scenario


class Import(Command, frozen=True, kw_only=True, tag="import"):
    """Orders are imported; `references` gives the real ids of jobs they refer to."""

    references: dict[str, str] = {}


class Due(Command, frozen=True, kw_only=True, tag="due"):
    """Whatever is due by the clock happens now."""


class Code(Command, frozen=True, kw_only=True, tag="code"):
    """Make an enrolment code for this device; the answer is its text."""

    device: str


class Surrender(Command, frozen=True, kw_only=True, tag="surrender"):
    """A round, then erase all that a receipt covers; the answer says if it was."""


AnyCommand = (
    SetClock
    | CrashAt
    | Perform
    | Look
    | Stop
    | Enrol
    | Show
    | SyncNow
    | Network
    | Listen
    | Heard
    | SetUp
    | Import
    | Due
    | Code
    | Surrender
)


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a host says to a command: `value` by the command, or the problem for which nothing was done."""

    value: Any = None
    problem: str = ""
    detail: str = ""


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """How a sync ended: `trouble` is "" when all was said, else the problem; `waiting` events have no receipt."""

    trouble: str
    waiting: int
    link: LinkCounts


_encode = msgspec.json.Encoder().encode
read_command = msgspec.json.Decoder(AnyCommand).decode
read_answer = msgspec.json.Decoder(Answer).decode


def line_of(said: Command | Answer) -> bytes:
    """A command or an answer as its line, LF included."""
    return _encode(said) + b"\n"
