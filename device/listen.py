"""Listening to a broker: a message is acknowledged once it is committed, and only on the connection it came by.

The network thread (paho's) only hands messages on; one writer thread decodes, commits and acknowledges them.
What is not acknowledged the broker keeps and sends again, so that a crash at any point loses nothing; what comes
twice is absorbed by its key. One process listens for one database: an OS lock sees to it.
"""

import logging
import os
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.config import Broker
from device.dialects import decode
from device.line import Alarm, AlarmKind, call, distrust, new_client, shut, subscribe, trust_in
from device.message import Message
from device.sole import sole
from device.store.signals import Committed, Decoded, Session, commit_signals, session_began
from device.store.sqlite import connect, migrate, transaction
from sync.problems import DISK_FULL, STORE_BUSY, STORE_TROUBLE, Problem
from sync.signals import Signal

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 30
MOST_WAITING: Final = 5_000
"""Messages in memory at most. Brokers were seen to send more than the receive maximum, so this bounds it too."""
BATCH: Final = 500
TICK_S: Final = 0.25
RETRY_S: Final = (0.1, 5.0)
"""First and longest wait between two tries to commit."""
SILENT_KEEPALIVES: Final = 1.5
"""A connection on which nothing came for so many keepalives is dead, whatever the client believes."""
FLAPS: Final = 5
FLAP_WINDOW_S: Final = 60.0
"""So many lost connections within this time are a second client with our id, or a broken line."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What this listener did since it started: messages committed, and what they were; connections made.

    `subscribed` from the broker's word that it has our topics: what it takes from then on comes to us, now or later.
    """

    messages: int = 0
    fresh: int = 0
    repeated: int = 0
    rejected: int = 0
    connections: int = 0
    subscribed: bool = False


def _ignore(_: object) -> None:
    """Nobody asked."""


class Listener:
    """Hears a broker for the database at `path` from `start` to `stop`; a context manager.

    `name` is this device's: it names the session at the broker where the settings do not. `now_ms` reads the
    wall clock. `on_signals` gets each batch of new signals after it is committed, on the writer's thread; when
    it raises, listening ends and `stop` raises it. `on_alarm` may be called from two threads.
    """

    def __init__(
        self,
        broker: Broker,
        path: Path,
        name: str,
        now_ms: Callable[[], int],
        on_signals: Callable[[tuple[Signal, ...]], None] = _ignore,
        on_alarm: Callable[[Alarm], None] = _ignore,
        *,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        self._broker = broker
        self._path = path
        self._client_id = broker.client_id or f"handover-{name}"
        self._now_ms = now_ms
        self._on_signals = on_signals
        self._on_alarm = on_alarm
        self._keepalive_s = keepalive_s
        self._waiting: queue.Queue[Message] = queue.Queue(MOST_WAITING)
        self._sessions: deque[Session] = deque()
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._changed = threading.Condition()
        self._counts = Counts()
        # Guards which connection is live: a late acknowledgement on a new one would confirm another message,
        # because brokers number messages anew once they lost our session.
        self._line = threading.Lock()
        self._generation = 0
        self._live = 0
        self._network: threading.Thread | None = None
        self._heard_s = 0.0
        self._lost_s: deque[float] = deque(maxlen=FLAPS)
        self._shed = False
        self._distrusted = ""
        self._trust = trust_in(broker.tls) if broker.tls else None
        self._client = self._new_client()
        self._pool: ThreadPoolExecutor | None = None
        self._writer: Future[None] | None = None
        self._lock = -1

    # -- from outside ---------------------------------------------------------
    def start(self) -> None:
        """Afterwards the database is open and the broker is being called; it is called again for as long as it takes.

        Raises ALREADY_LISTENING, DAMAGED_STORE and DISK_FULL; making a listener has raised BAD_SETTINGS where the
        password or a file for TLS cannot be used.
        """
        self._lock = sole(self._path.with_name(self._path.name + ".listening"))
        self._pool = ThreadPoolExecutor(1, "signals-writer")
        self._writer = self._pool.submit(self._write)
        self._opened.wait()
        if self._stopping.is_set():
            self.stop()
        self._call()

    def stop(self) -> None:
        """Afterwards what was handed on is committed and acknowledged, and the broker is left; the session stays there.

        Raises what ended the writer, if anything did.
        """
        self._stopping.set()
        if self._pool and self._writer:
            self._pool.shutdown(wait=True)
        self._hang_up()
        self._client.loop_stop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if self._writer:
            self._writer.result()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return self._counts

    def wait_for(self, enough: Callable[[Counts], bool], timeout_s: float) -> bool:
        """Return True as soon as the counts are `enough`, False after `timeout_s` or when listening ended before."""
        with self._changed:
            self._changed.wait_for(lambda: enough(self._counts) or self._stopping.is_set(), timeout_s)
            return enough(self._counts)

    # -- the line -------------------------------------------------------------
    def _new_client(self) -> mqtt.Client:
        client = new_client(self._broker, self._client_id, self._trust)
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_log = self._on_log
        return client

    def _call(self) -> None:
        self._heard_s = time.monotonic()
        call(self._client, self._broker, self._keepalive_s)

    def _hang_up(self) -> None:
        """Afterwards no acknowledgement goes out, and the client leaves the broker by itself."""
        with self._line:
            self._live = 0
        self._client.disconnect()

    def _renew(self, kind: AlarmKind, detail: str) -> None:
        """Afterwards another client calls the broker; the one that hangs is left behind with its socket shut."""
        self._alarm(kind, detail)
        old = self._client
        self._network = None
        self._client = self._new_client()
        with self._line:
            self._live = 0
        old.disconnect()
        shut(old)
        self._count(subscribed=False)
        self._call()

    def _on_pre_connect(self, client: mqtt.Client, _: object) -> None:
        if client is self._client:
            self._network = threading.current_thread()
            self._heard_s = time.monotonic()

    def _on_connect(
        self, client: mqtt.Client, _: object, flags: mqtt.ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            self._alarm("refused", str(reason))
            return
        with self._line:
            self._generation += 1
            self._live = self._generation
            # What this connection brings is its own, even if its thread hangs and another client took over.
            client.user_data_set(self._generation)
        self._distrusted = ""
        self._sessions.append(Session(self._client_id, self._now_ms(), flags.session_present))
        self._count(connections=1)
        subscribe(client, self._broker)

    def _on_connect_fail(self, client: mqtt.Client, _: object) -> None:
        if client is self._client:
            self._tell_distrust(connected=False)

    def _tell_distrust(self, *, connected: bool) -> None:
        """Each reason once, until a connection was made: paho tries again for as long as it takes."""
        why = distrust(connected=connected) if self._trust else ""
        if why and why != self._distrusted:
            self._distrusted = why
            self._alarm("no-trust", f"{self._broker.host}:{self._broker.port}: {why}")

    def _on_subscribe(
        self, client: mqtt.Client, _: object, __: int, reasons: list[ReasonCode], ___: Properties | None
    ) -> None:
        if client is not self._client:
            return
        # Granted QoS come back in the order of the topics.
        for topic, reason in zip(self._broker.topics, reasons, strict=False):
            if reason.is_failure:
                self._alarm("subscription-refused", f"{topic}: {reason}")
        self._count(subscribed=not any(reason.is_failure for reason in reasons))

    def _on_disconnect(
        self, client: mqtt.Client, _: object, __: mqtt.DisconnectFlags, reason: ReasonCode, ___: Properties | None
    ) -> None:
        if client is not self._client:
            return
        with self._line:
            self._live = 0
        self._count(subscribed=False)
        if self._stopping.is_set():
            return
        now_s = time.monotonic()
        self._lost_s.append(now_s)
        if len(self._lost_s) == FLAPS and now_s - self._lost_s[0] <= FLAP_WINDOW_S:
            self._lost_s.clear()
            self._alarm(
                "flapping", f"{FLAPS} connections lost in a minute, last: {reason}; is {self._client_id} used twice?"
            )

    def _on_log(self, client: mqtt.Client, _: object, __: int, said: str) -> None:
        # The only public place where paho tells of every packet; the watchdog lives on it.
        if client is not self._client:
            return
        if said.startswith("Received"):
            self._heard_s = time.monotonic()
        else:
            self._tell_distrust(
                connected=True
            )  # a broker that wants another certificate says so only after the handshake

    def _on_message(self, client: mqtt.Client, generation: int, message: mqtt.MQTTMessage) -> None:
        """Hand the message on. Whatever is raised here would end paho's thread without anybody noticing."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        if client is not self._client or self._stopping.is_set():
            return
        heard = Message(
            topic=topic,
            payload=bytes(message.payload),
            received_ms=self._now_ms(),
            qos=message.qos,
            retained=message.retain,
            repeated=bool(message.dup),
            mid=message.mid,
            generation=generation,
        )
        try:
            # While this waits TCP holds the broker back; for much longer, the broker would think us gone.
            self._waiting.put(heard, timeout=self._keepalive_s / 3)
        except queue.Full:
            # Not acknowledged, so the broker has it still; it sends it again on the next connection.
            self._shed = True

    # -- the writer -----------------------------------------------------------
    def _write(self) -> None:
        try:
            con = connect(self._path)
            try:
                migrate(con)
                self._opened.set()
                while not self._stopping.is_set() or not self._waiting.empty():
                    self._turn(con)
            finally:
                con.close()
        finally:
            # Whatever ended it: nothing more is taken from the broker, which keeps what comes for the next start.
            self._stopping.set()
            self._hang_up()
            self._opened.set()
            with self._changed:
                self._changed.notify_all()

    def _turn(self, con: sqlite3.Connection) -> None:
        while self._sessions:
            session = self._sessions.popleft()
            if transaction(con, lambda con: session_began(con, session)):  # noqa: B023 - run at once
                self._alarm("session-lost", f"the broker forgot {self._client_id}: messages may be missing")
        batch = self._take()
        if batch:
            committed = self._commit(con, [_decoded(message) for message in batch])
            if committed is None:
                return
            self._acknowledge(batch)
            self._count(committed=committed, messages=len(batch))
            if committed.fresh:
                self._on_signals(committed.fresh)
        self._watch()

    def _take(self) -> list[Message]:
        """What waits, at most a batch; nothing where nothing came for a moment."""
        batch: list[Message] = []
        try:
            batch.append(self._waiting.get(timeout=TICK_S))
            while len(batch) < BATCH:
                batch.append(self._waiting.get_nowait())
        except queue.Empty:
            return batch
        return batch

    def _commit(self, con: sqlite3.Connection, batch: list[Decoded]) -> Committed | None:
        """Commit, however often it takes; None where listening ends before the store takes it (nothing is lost)."""
        wait_s, longest_s = RETRY_S
        while True:
            try:
                return commit_signals(con, batch)
            except sqlite3.OperationalError as error:
                refused = str(error)
            except Problem as problem:
                if problem.kind not in (DISK_FULL, STORE_TROUBLE, STORE_BUSY):
                    raise
                refused = str(problem)
            if wait_s == RETRY_S[0]:
                self._alarm("store-refuses", refused)
            if self._stopping.wait(wait_s):
                return None
            wait_s = min(wait_s * 2, longest_s)

    def _acknowledge(self, batch: list[Message]) -> None:
        with self._line:
            for message in batch:
                if message.generation == self._live and message.qos:
                    self._client.ack(message.mid, message.qos)

    def _watch(self) -> None:
        """Once a turn: whether the line is alive, and whether something has to be asked for again."""
        if self._stopping.is_set():
            return
        if self._network and not self._network.is_alive():
            self._renew("network-thread-dead", "the client's thread ended; another was started")
        elif self._live and time.monotonic() - self._heard_s > SILENT_KEEPALIVES * self._keepalive_s:
            self._renew("silent", f"nothing came for {SILENT_KEEPALIVES:g} keepalives of {self._keepalive_s} s")
        elif self._shed and self._waiting.empty():
            self._shed = False
            self._alarm("overflow", f"more than {MOST_WAITING} messages waited; the broker is asked to send them again")
            shut(self._client)

    def _count(
        self,
        *,
        committed: Committed | None = None,
        messages: int = 0,
        connections: int = 0,
        subscribed: bool | None = None,
    ) -> None:
        with self._changed:
            before = self._counts
            self._counts = Counts(
                messages=before.messages + messages,
                fresh=before.fresh + (len(committed.fresh) if committed else 0),
                repeated=before.repeated + (committed.repeated if committed else 0),
                rejected=before.rejected + (committed.rejected if committed else 0),
                connections=before.connections + connections,
                subscribed=before.subscribed if subscribed is None else subscribed,
            )
            self._changed.notify_all()

    def _alarm(self, kind: AlarmKind, detail: str) -> None:
        log.error("listening needs attention", extra={"alarm": kind, "detail": detail})
        self._on_alarm(Alarm(kind, detail))


def _decoded(message: Message) -> Decoded:
    try:
        return Decoded(message, decode(message))
    except Problem as problem:
        return Decoded(message, problem=problem)
