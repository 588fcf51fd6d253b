"""What happens to the network, the machines and the clocks of a scenario: one frozen Struct a step."""

from typing import Annotated, Literal

from msgspec import Meta

from trial.terms import Copy, Device, Host, Span, Step


# -- the network, the machines, the clocks --------------------------------------
class Wait(Step, frozen=True, kw_only=True, tag="wait"):
    """Time goes by."""

    lasts: Span


class GoOffline(Step, frozen=True, kw_only=True, tag="go_offline"):
    """These devices have no signal from now on."""

    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]


class GoOnline(Step, frozen=True, kw_only=True, tag="go_online"):
    """These devices have signal again."""

    devices: Annotated[tuple[Device, ...], Meta(min_length=1)]


class Sync(Step, frozen=True, kw_only=True, tag="sync"):
    """These devices (default: all that run and have signal) push and pull, one after the other, `tries` times at most.

    `fails` says that none of them gets through.
    """

    devices: tuple[Device, ...] = ()
    tries: Annotated[int, Meta(ge=1, le=20)] = 1
    fails: bool = False


class LoseRequest(Step, frozen=True, kw_only=True, tag="lose_request"):
    """The next `count` requests of the device never arrive."""

    device: Device
    of: Literal["push", "pull", "any"] = "push"
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class LoseReply(Step, frozen=True, kw_only=True, tag="lose_reply"):
    """The next `count` requests of the device arrive, and their replies are lost."""

    device: Device
    of: Literal["push", "pull", "any"] = "push"
    count: Annotated[int, Meta(ge=1, le=100)] = 1


class Duplicate(Step, frozen=True, kw_only=True, tag="duplicate"):
    """The next push of the device arrives `copies` times more, all at once."""

    device: Device
    copies: Annotated[int, Meta(ge=1, le=20)] = 1


class Reorder(Step, frozen=True, kw_only=True, tag="reorder"):
    """The next push of the device is held up on its way and arrives after the one that follows it."""

    device: Device


class Kill(Step, frozen=True, kw_only=True, tag="kill"):
    """The process of the device, or the backend's, dies of SIGKILL: now, or when it next reaches the point `when`."""

    host: Host
    when: str = ""


class Restart(Step, frozen=True, kw_only=True, tag="restart"):
    """The process starts again over the same data; one that still runs is stopped first."""

    host: Host


class ClockShift(Step, frozen=True, kw_only=True, tag="clock_shift"):
    """The wall clock there jumps by so much and stays so; the monotonic clock does not."""

    host: Host
    by: Span


class Backup(Step, frozen=True, kw_only=True, tag="backup"):
    """What the device or the backend holds now is copied while it runs; this step's id names the copy."""

    host: Host


class Restore(Step, frozen=True, kw_only=True, tag="restore"):
    """The device or the backend of which this is a copy is stopped, its data replaced by it, and started again."""

    backup: Copy


class Clone(Step, frozen=True, kw_only=True, tag="clone"):
    """This device of the cast begins to run, with a copy of all that the device has which it is a `clone_of`."""

    device: Device


class Enrol(Step, frozen=True, kw_only=True, tag="enrol"):
    """The device is enrolled anew, by a code that the office makes for it: it has a new key and a new log."""

    device: Device


class Surrender(Step, frozen=True, kw_only=True, tag="surrender"):
    """The revoked device hands over what it holds, and erases it once all is received."""

    device: Device
