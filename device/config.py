"""What an operator sets for a device: one JSON file beside the database, all of it optional."""

from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from sync.codec import decode
from sync.problems import BAD_SETTINGS, Problem
from sync.signals import Place, Sensor, Surroundings

FILE: Final = "settings.json"


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MQTT broker to listen to, and the topics to subscribe (QoS 1). `protocol` is 5, or 3 for MQTT 3.1.1."""

    host: Annotated[str, Meta(min_length=1, max_length=255)]
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    protocol: Literal[3, 5] = 5
    topics: Annotated[tuple[str, ...], Meta(min_length=1)]
    client_id: Annotated[str, Meta(max_length=200)] = ""
    username: str = ""
    password_file: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`places` and `sensors` are what signals are read against."""

    broker: Broker | None = None
    places: tuple[Place, ...] = ()
    sensors: tuple[Sensor, ...] = ()

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
