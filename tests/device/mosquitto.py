"""A real Mosquitto on a free port of the loopback, with a configuration of its own, and a publisher to it."""

import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

MISSING = "mosquitto is missing, and this test needs a real broker: apt-get install mosquitto"
CONFIGURATION = """
listener {port} 127.0.0.1
max_queued_messages 100000
max_inflight_messages 1000
log_dest stderr
log_type all
"""


def free_port() -> int:
    """A port of the loopback that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def program() -> str:
    """The path of Mosquitto; Debian puts it where an ordinary PATH does not look."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(MISSING)
    return found


class Mosquitto:
    """A running broker; a context manager. It forgets its sessions when it ends."""

    def __init__(self, folder: Path, *more: str, port: int | None = None) -> None:
        self.port = port or free_port()
        configuration = folder / "mosquitto.conf"
        said = more or ("allow_anonymous true",)
        configuration.write_text(CONFIGURATION.format(port=self.port) + "\n".join(said) + "\n")
        self._log = folder / "mosquitto.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program(), "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=log
            )
        self._await()

    def _await(self) -> None:
        """Return once it takes connections: it binds before it says that it runs."""
        while "running" not in self._log.read_text(errors="replace"):
            try:
                code = self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"mosquitto ended with {code}: {self._log.read_text(errors='replace')}")

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False, qos: int = 1) -> None:
        """The broker took each of these messages."""
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        client.max_inflight_messages_set(500)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        for told in [client.publish(topic, payload, qos, retain) for topic, payload in messages]:
            told.wait_for_publish(20)
            assert told.is_published()
        client.disconnect()
        client.loop_stop()
