"""What an operator sets for a device: one JSON file beside the database, all of it optional."""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from sync.blobs import TYPES
from sync.codec import decode
from sync.problems import BAD_SETTINGS, Problem
from sync.signals import Place, Sensor, Surroundings

FILE: Final = "settings.json"


class Tls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How broker and device know each other; files are PEM, and the host's name is checked whatever is set.

    `ca_file` holds whom to trust, empty: whom this machine trusts. With `certificate_file` the device shows who it is;
    `key_file` is empty where the key, which no password guards, stands in the same file.
    """

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MQTT broker to listen to, and the topics to subscribe (QoS 1). `protocol` is 5, or 3 for MQTT 3.1.1.

    Without `tls` all that is said to the broker, a password too, can be read on the way. Brokers speak TLS on 8883.
    """

    host: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    protocol: Literal[3, 5] = 5
    topics: Annotated[tuple[str, ...], Meta(min_length=1)]
    client_id: Annotated[str, Meta(max_length=200)] = ""
    username: str = ""
    password_file: str = ""
    tls: Tls | None = None


class Attachments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be attached, and how long it is kept here after the backend has it.

    With less than `reserve_bytes` free on the disk, or `quota_bytes` of attachments here, no more is attached: the room
    is for events.
    """

    types: tuple[str, ...] = TYPES
    most_bytes: Annotated[int, Meta(ge=1)] = 20 * 1024 * 1024
    reserve_bytes: Annotated[int, Meta(ge=0)] = 64 * 1024 * 1024
    quota_bytes: Annotated[int, Meta(ge=0)] = 4 * 1024 * 1024 * 1024
    keep_days: Annotated[int, Meta(ge=0, le=3650)] = 14


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`places` and `sensors` are what signals are read against.

    Raw signals and what was none are forgotten `keep_signals_days` after they came: they say where people were. Thirty
    days of them are weighed, and a day before; the rest is for whoever asks what a piece of evidence rests on.
    """

    broker: Broker | None = None
    attachments: Attachments = Attachments()
    places: tuple[Place, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    keep_signals_days: Annotated[int, Meta(ge=31, le=3_650)] = 60

    @property
    def surroundings(self) -> Surroundings:
        """Places and sensors together."""
        return Surroundings(places=self.places, sensors=self.sensors)


def load_settings(directory: Path) -> Settings:
    """The settings of the device in this folder; BAD_SETTINGS names the field that does not fit."""
    path = directory / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise Problem(BAD_SETTINGS, str(error.strerror), str(path)) from error
    try:
        return decode(raw, Settings)
    except Problem as problem:
        raise Problem(BAD_SETTINGS, problem.detail, str(path)) from problem
