"""A trial broker in this process (amqtt), and a publisher to it: enough to show messages, nothing to rely on.

It speaks MQTT 3.1.1 only and never sends an unacknowledged message again: for trials, never for work.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, Final, TypeVar

from amqtt.broker import Broker
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from sync.problems import NO_CONNECTION, Problem

WAIT_S: Final = 10.0
_PLUGINS: Final = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}

_T = TypeVar("_T")


def free_port() -> int:
    """A port of the loopback that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TrialBroker:
    """A running broker on a port of the loopback, in a thread of its own, and a client that publishes to it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="trial-broker", daemon=True)
        self._thread.start()
        self._broker = self._run(self._start())
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "handover-trial", protocol=mqtt.MQTTv311)
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()

    async def _start(self) -> Broker:
        listener = {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}
        broker = Broker({"listeners": {"default": listener}, "plugins": _PLUGINS})
        await broker.start()
        return broker

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    def publish(self, topic: str, payload: bytes) -> None:
        """The broker has the message (QoS 1); NO_CONNECTION where it does not take it."""
        told = self._client.publish(topic, payload, qos=1)
        told.wait_for_publish(WAIT_S)
        if not told.is_published():
            raise Problem(NO_CONNECTION, "the trial broker did not take the message", topic)

    @staticmethod
    def reaches(topic: str, filters: Iterable[str]) -> bool:
        """Whether a message under this topic goes to whoever subscribed to these filters."""
        return any(mqtt.topic_matches_sub(one, topic) for one in filters)

    def close(self) -> None:
        """Client and broker are gone."""
        self._client.disconnect()
        self._client.loop_stop()
        self._run(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()
