"""A process that listens until it is killed: hearing.py DATABASE PORT [BATCHES], a line of JSON at each change.

With BATCHES it kills itself after committing so many, before it acknowledges the last. HANDOVER_PLANT=auto_ack
plants the fault that the test of lost messages must find: paho acknowledges by itself as messages come in.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from paho.mqtt import client as mqtt

from device.config import Broker
from device.listen import Listener
from device.message import Message
from device.store.signals import Committed

database, port, *batches = sys.argv[1:]


class Hearing(Listener):
    """Tells what it does, and dies when it was told to."""

    left = int(batches[0]) if batches else -1

    def _new_client(self) -> mqtt.Client:
        client = super()._new_client()
        if os.environ.get("HANDOVER_PLANT") == "auto_ack":
            client.manual_ack_set(on=False)
        return client

    def _acknowledge(self, batch: list[Message]) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._acknowledge(batch)

    def _count(
        self,
        *,
        committed: Committed | None = None,
        messages: int = 0,
        connections: int = 0,
        subscribed: bool | None = None,
    ) -> None:
        super()._count(committed=committed, messages=messages, connections=connections, subscribed=subscribed)
        counts = self.counts
        said = {"messages": counts.messages, "repeated": counts.repeated, "subscribed": counts.subscribed}
        print(f"{json.dumps(said)}\n", end="", flush=True)  # two threads count: each line in one piece


broker = Broker(host="127.0.0.1", port=int(port), topics=("ho/1/d/+/sig/+",), client_id="handover-hearing")
with Hearing(broker, Path(database), "hearing", lambda: time.time_ns() // 1_000_000):
    signal.pause()
