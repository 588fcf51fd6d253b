"""Listening to real brokers: nothing is lost to kill -9, a bad message stops no other, a dead line is noticed."""

import json
import os
import queue
import sqlite3
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import pbkdf2_hmac
from pathlib import Path
from random import Random
from typing import Self

import msgspec
import pytest

from device import listen
from device.config import Broker
from device.line import Alarm
from device.listen import Counts, Listener
from device.message import Message
from device.store.signals import (
    MOST_KEPT_BYTES,
    Decoded,
    Session,
    commit_signals,
    forget_signals,
    rejected,
    session_began,
    sessions,
    signals_after,
    signals_between,
)
from device.store.sqlite import connect, migrate, transaction
from sync.problems import ALREADY_LISTENING, BAD_SETTINGS, DAMAGED_STORE, DISK_FULL, SIGNAL_EMPTY, UNREADABLE, Problem
from sync.signals import Signal
from tests.device.mosquitto import Mosquitto
from tests.device.plain_broker import PlainBroker
from trial.broker import TrialBroker

ROOT = Path(__file__).parents[2]
NOW_MS = 1_735_812_395_000
TOPIC = "ho/1/d/dock-3/sig/beat"
WAIT_S = 30.0


def beat(number: int) -> tuple[str, bytes]:
    said = {"v": 1, "id": f"n{number}", "boot": "b", "seq": number, "mono": number, "tq": "ntp"}
    return TOPIC, json.dumps(said | {"ts": "2025-01-02T10:06:34Z"}).encode()


def decoded(number: int, *, received_ms: int = NOW_MS) -> Decoded:
    topic, payload = beat(number)
    return listen._decoded(Message(topic, payload, received_ms))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.sqlite"


@pytest.fixture
def con(path: Path) -> Iterator[sqlite3.Connection]:
    con = connect(path)
    migrate(con)
    yield con
    con.close()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


def at(port: int, protocol: int = 5, *, client_id: str = "", username: str = "", password_file: str = "") -> Broker:
    return Broker(
        host="127.0.0.1",
        port=port,
        protocol=5 if protocol == 5 else 3,
        topics=("ho/1/d/+/sig/+", "owntracks/#"),
        client_id=client_id,
        username=username,
        password_file=password_file,
    )


class Ear:
    """A listener with what it told and what it alarmed about."""

    def __init__(self, broker: Broker, path: Path, keepalive_s: int = 30) -> None:
        self.signals: list[Signal] = []
        self.alarms: queue.Queue[Alarm] = queue.Queue()
        self.path = path
        self.listener = Listener(
            broker, path, "gateway", lambda: NOW_MS, self.signals.extend, self.alarms.put, keepalive_s=keepalive_s
        )

    def wait(self, enough: Callable[[Counts], bool]) -> Counts:
        assert self.listener.wait_for(enough, WAIT_S), self.listener.counts
        return self.listener.counts

    def alarm(self) -> Alarm:
        return self.alarms.get(timeout=WAIT_S)


@contextmanager
def ear(broker: Broker, path: Path, keepalive_s: int = 30) -> Iterator[Ear]:
    hearing = Ear(broker, path, keepalive_s)
    with hearing.listener:
        yield hearing


def stored(path: Path) -> list[str]:
    con = connect(path)
    try:
        return sorted(signal.native_key.partition("/")[2] for signal in signals_after(con, 0)[1])
    finally:
        con.close()


# -- the store ----------------------------------------------------------------
def test_one_row_that_cannot_be_stored_holds_up_no_other(con: sqlite3.Connection) -> None:
    batch = [decoded(number) for number in range(500)]
    (signal_250,) = batch[250].signals
    batch[250] = batch[250]._replace(signals=(msgspec.structs.replace(signal_250, t_eff_ms=2**63),))
    committed = commit_signals(con, batch)
    assert (len(committed.fresh), committed.repeated, committed.rejected) == (499, 0, 1)
    (kept,) = rejected(con)
    assert (kept.reason, kept.raw) == ("unreadable", beat(250)[1])
    again = commit_signals(con, batch)
    assert (again.fresh, again.repeated, again.rejected) == ((), 499, 1)
    assert rejected(con)[0].times == 2


def test_what_is_no_signal_is_kept_with_its_reason_even_where_nothing_can_be_stored_of_it(
    con: sqlite3.Connection,
) -> None:
    batch = [
        listen._decoded(Message("\ud800", b"", NOW_MS)),
        Decoded(Message(TOPIC, b"x" * (MOST_KEPT_BYTES + 1), NOW_MS), (), Problem(UNREADABLE, "\ud800")),
        decoded(1)._replace(signals=(msgspec.structs.replace(decoded(1).signals[0], device="\ud800"),)),
        Decoded(Message(TOPIC, b"", NOW_MS), (), Problem(SIGNAL_EMPTY)),
        decoded(2),
    ]
    committed = commit_signals(con, batch)
    assert (len(committed.fresh), committed.rejected) == (1, 4)
    kept = {one.reason: one for one in rejected(con)}
    assert kept.keys() == {"not-a-signal-topic", "unreadable", "empty-message"}
    assert max((one.size, len(one.raw)) for one in rejected(con)) == (MOST_KEPT_BYTES + 1, MOST_KEPT_BYTES)


def test_signals_are_read_back_as_they_were_heard_and_forgotten_when_told(con: sqlite3.Connection) -> None:
    batch = [decoded(number, received_ms=NOW_MS + number) for number in range(5)]
    committed = commit_signals(con, batch)
    everything = tuple(one.signals[0] for one in batch)
    assert committed.fresh == everything
    assert signals_after(con, 0) == (5, everything)
    assert signals_after(con, 3) == (5, everything[3:])
    assert signals_after(con, 5) == (5, ())
    t_eff_ms = everything[0].t_eff_ms
    assert signals_between(con, t_eff_ms, t_eff_ms) == everything
    assert signals_between(con, t_eff_ms + 1, NOW_MS) == ()
    assert transaction(con, lambda con: forget_signals(con, NOW_MS + 3, most=2)) == 2
    assert signals_after(con, 0) == (5, everything[2:])
    assert transaction(con, lambda con: forget_signals(con, NOW_MS + 3, most=2)) == 1
    assert signals_after(con, 0) == (5, everything[3:])


def test_a_lost_session_is_still_noticed_after_its_connections_are_forgotten(con: sqlite3.Connection) -> None:
    def began(client: str, at_ms: int, *, present: bool = True) -> bool:
        return transaction(con, lambda con: session_began(con, Session(client, at_ms, present)))

    for at_ms in (1, 2, 3):
        began("gateway", at_ms)
    began("other", 4)
    transaction(con, lambda con: forget_signals(con, 4))
    assert [(one.client, one.at_ms) for one in sessions(con)] == [("gateway", 3), ("other", 4)]
    assert began("gateway", 5, present=False)


def test_a_full_disk_stores_nothing_and_later_everything(con: sqlite3.Connection) -> None:
    pages = con.execute("PRAGMA page_count").fetchone()[0]
    con.execute(f"PRAGMA max_page_count = {pages}")
    batch = [decoded(number) for number in range(500)]
    with pytest.raises(Problem) as met:
        commit_signals(con, batch)
    assert met.value.kind is DISK_FULL
    con.execute("PRAGMA max_page_count = 100000")
    assert len(commit_signals(con, batch).fresh) == 500


# -- a real broker ------------------------------------------------------------
def test_signals_are_stored_handed_on_and_absorbed_when_they_come_twice(mosquitto: Mosquitto, path: Path) -> None:
    with ear(at(mosquitto.port), path) as hearing:
        hearing.wait(lambda counts: counts.subscribed)
        mosquitto.publish([beat(1), beat(2), beat(1)])
        counts = hearing.wait(lambda counts: counts.messages == 3)
    assert (counts.fresh, counts.repeated, counts.rejected) == (2, 1, 0)
    assert [one.native_key for one in hearing.signals] == ["dock-3/n1", "dock-3/n2"]
    assert stored(path) == ["n1", "n2"]
    assert hearing.alarms.empty()


def test_a_poisonous_message_among_five_hundred_is_kept_and_acknowledged(mosquitto: Mosquitto, path: Path) -> None:
    with ear(at(mosquitto.port), path) as hearing:
        hearing.wait(lambda counts: counts.subscribed)
    messages = [beat(number) for number in range(500)]
    messages[250] = (TOPIC, b'{"v":1,"id":"\xff"}')
    mosquitto.publish(messages)
    with ear(at(mosquitto.port), path) as hearing:
        counts = hearing.wait(lambda counts: counts.messages == 500)
        assert (counts.fresh, counts.rejected) == (499, 1)
    mosquitto.publish([beat(500)])
    with ear(at(mosquitto.port), path) as hearing:
        counts = hearing.wait(lambda counts: counts.messages >= 1)
        assert hearing.signals[0].native_key == "dock-3/n500"  # all 500 were acknowledged: none came again
    assert hearing.alarms.empty()


def test_messages_come_while_nobody_listens_and_are_heard_later_in_both_versions(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    for protocol in (3, 5):
        path = tmp_path / f"v{protocol}.sqlite"
        broker = at(mosquitto.port, protocol, client_id=f"v{protocol}")
        with ear(broker, path) as hearing:
            hearing.wait(lambda counts: counts.subscribed)
        mosquitto.publish([beat(1)])
        with ear(broker, path) as hearing:
            hearing.wait(lambda counts: counts.fresh == 1)


def test_a_message_the_broker_kept_is_not_taken_for_news(mosquitto: Mosquitto, tmp_path: Path) -> None:
    mosquitto.publish([beat(1)], retain=True)
    with ear(at(mosquitto.port, 3, client_id="old"), tmp_path / "v3.sqlite") as hearing:
        hearing.wait(lambda counts: counts.fresh == 1)
        assert "retained" in hearing.signals[0].flags
    with ear(at(mosquitto.port, client_id="new"), tmp_path / "v5.sqlite") as hearing:
        hearing.wait(lambda counts: counts.subscribed)
        mosquitto.publish([beat(2)], qos=0)
        hearing.wait(lambda counts: counts.messages == 1)
    assert [(one.native_key, one.flags) for one in hearing.signals] == [("dock-3/n2", ("unassured",))]


def test_a_broker_that_forgot_our_session_raises_an_alarm(tmp_path: Path, path: Path) -> None:
    with Mosquitto(tmp_path) as first, ear(at(first.port), path) as hearing:
        hearing.wait(lambda counts: counts.subscribed)
        assert hearing.alarms.empty()
        first.close()
        with Mosquitto(tmp_path, port=first.port):
            hearing.wait(lambda counts: counts.connections == 2)
            assert hearing.alarm().kind == "session-lost"
    con = connect(path)
    assert [session.present for session in sessions(con)] == [False, False]
    con.close()


def test_a_broker_that_refuses_us_raises_an_alarm_and_a_password_opens_it(tmp_path: Path, path: Path) -> None:
    passwords = tmp_path / "passwords"
    # Mosquitto 2's own form: PBKDF2 (SHA-512) of "open sesame" with this salt.
    salt = b"twelve bytes"
    hashed = b64encode(pbkdf2_hmac("sha512", b"open sesame", salt, 101)).decode()
    passwords.write_text(f"gateway:$7$101${b64encode(salt).decode()}${hashed}\n")
    passwords.chmod(0o644)
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}", "user root") as broker:
        with ear(at(broker.port), path) as hearing:
            assert hearing.alarm().kind == "refused"
        with ear(at(broker.port, username="gateway", password_file=str(secret)), path) as hearing:
            hearing.wait(lambda counts: counts.subscribed)
    with pytest.raises(Problem) as met:
        Ear(at(1, username="gateway", password_file=str(tmp_path / "none")), path)
    assert met.value.kind is BAD_SETTINGS


def test_two_processes_never_listen_for_one_database(mosquitto: Mosquitto, path: Path) -> None:
    with ear(at(mosquitto.port), path):
        other = Ear(at(mosquitto.port), path)
        with pytest.raises(Problem) as met:
            other.listener.start()
        assert met.value.kind is ALREADY_LISTENING
    with ear(at(mosquitto.port), path):
        pass


def test_two_clients_of_one_name_are_noticed(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with (
        ear(at(mosquitto.port, client_id="twin"), tmp_path / "a.sqlite") as one,
        ear(at(mosquitto.port, client_id="twin"), tmp_path / "b.sqlite"),
    ):
        assert one.alarm().kind == "flapping"


def test_a_database_that_is_none_ends_the_start_by_name(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    hearing = Ear(at(1), path)
    with pytest.raises(Problem) as met:
        hearing.listener.start()
    assert met.value.kind is DAMAGED_STORE


def test_more_messages_than_may_wait_are_asked_for_again(
    mosquitto: Mosquitto, path: Path, con: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "MOST_WAITING", 10)
    with ear(at(mosquitto.port), path, keepalive_s=1) as hearing:
        hearing.wait(lambda counts: counts.subscribed)
        con.execute("BEGIN IMMEDIATE")  # the writer waits for this lock
        mosquitto.publish([beat(number) for number in range(40)])
        assert wait_until(lambda: hearing.listener._shed)
        con.execute("ROLLBACK")
        hearing.wait(lambda counts: counts.fresh == 40)
    assert {alarm.kind for alarm in hearing.alarms.queue} <= {"overflow", "silent"}
    assert stored(path) == sorted(f"n{number}" for number in range(40))


def test_a_store_that_refuses_is_tried_again_until_it_takes_what_waits(mosquitto: Mosquitto, path: Path) -> None:
    class Cramped(Listener):
        """Its disk is full until somebody looks at the alarm."""

        full = True

        def _turn(self, con: sqlite3.Connection) -> None:
            pages = con.execute("PRAGMA page_count").fetchone()[0] if self.full else 1_000_000
            con.execute(f"PRAGMA max_page_count = {pages}")
            self.con = con
            super()._turn(con)

        def cleared(self, alarm: Alarm) -> None:
            alarms.append(alarm.kind)
            self.full = False
            self.con.execute("PRAGMA max_page_count = 1000000")

    alarms: list[str] = []
    listener = Cramped(at(mosquitto.port), path, "gateway", lambda: NOW_MS)
    listener._on_alarm = listener.cleared
    with listener:
        assert listener.wait_for(lambda counts: counts.subscribed, WAIT_S)
        mosquitto.publish([beat(number) for number in range(400)])
        assert listener.wait_for(lambda counts: counts.fresh == 400, WAIT_S)
    assert alarms == ["store-refuses"]


def test_what_raises_when_it_is_given_signals_ends_listening_and_is_told(mosquitto: Mosquitto, path: Path) -> None:
    def broken(_: tuple[Signal, ...]) -> None:
        raise LookupError("no such agent")

    listener = Listener(at(mosquitto.port), path, "gateway", lambda: NOW_MS, broken)
    listener.start()
    assert listener.wait_for(lambda counts: counts.subscribed, WAIT_S)
    mosquitto.publish([beat(1)])
    assert not listener.wait_for(lambda _: False, WAIT_S)
    with pytest.raises(LookupError):
        listener.stop()
    assert stored(path) == ["n1"]


# -- a broker that does what it is told ----------------------------------------
def test_a_late_acknowledgement_is_never_sent_on_a_new_connection(path: Path, con: sqlite3.Connection) -> None:
    with PlainBroker(False, False) as broker, ear(at(broker.port, 3), path) as hearing:
        first = broker.next()
        hearing.wait(lambda counts: counts.subscribed)
        assert wait_until(lambda: not hearing.listener._sessions)
        con.execute("BEGIN IMMEDIATE")  # the writer waits for this lock
        first.publish(1, *beat(1))
        assert wait_until(lambda: hearing.listener._generation == 1 and hearing.listener._waiting.empty())
        first.drop()
        second = broker.next()
        second.publish(1, *beat(2))  # the session is lost: the number is used for another message
        assert wait_until(lambda: not hearing.listener._waiting.empty())
        con.execute("ROLLBACK")
        hearing.wait(lambda counts: counts.fresh == 2)
        assert wait_until(lambda: second.acknowledged != [])
    assert first.acknowledged == []
    assert second.acknowledged == [1]
    assert hearing.alarm().kind == "session-lost"


def test_a_message_is_acknowledged_only_after_it_is_committed(path: Path, con: sqlite3.Connection) -> None:
    held: list[list[str]] = []
    with PlainBroker(False) as broker, ear(at(broker.port, 3), path) as hearing:
        connection = broker.next()
        connection.on_ack = lambda: held.append(stored(path))
        assert wait_until(lambda: not hearing.listener._sessions)
        con.execute("BEGIN IMMEDIATE")  # the writer waits for this lock
        connection.publish(7, *beat(1))
        assert wait_until(hearing.listener._waiting.empty)
        connection.publish(8, *beat(2))
        assert not wait_until(lambda: bool(connection.acknowledged), 0.3)
        con.execute("ROLLBACK")
        assert wait_until(lambda: connection.acknowledged == [7, 8])
    assert "n1" in held[0]
    assert held[1] == ["n1", "n2"]


def test_a_line_that_hangs_is_noticed_and_another_takes_over(path: Path) -> None:
    released = threading.Event()
    calls: list[int] = []

    def hanging_ms() -> int:
        calls.append(1)
        if len(calls) == 2:  # the first call is that of the connection, the second that of the message
            released.wait(WAIT_S)
        return NOW_MS

    alarms: queue.Queue[Alarm] = queue.Queue()
    with PlainBroker(False, True) as broker:
        listener = Listener(at(broker.port, 3), path, "gateway", hanging_ms, on_alarm=alarms.put, keepalive_s=1)
        with listener:
            first = broker.next()
            first.publish(1, *beat(1))
            assert alarms.get(timeout=WAIT_S).kind == "silent"
            second = broker.next()
            second.publish(1, *beat(1), repeated=True)
            assert listener.wait_for(lambda counts: counts.fresh == 1, WAIT_S)
            assert wait_until(lambda: second.acknowledged == [1])
            released.set()
            assert first.ended.wait(WAIT_S)
    assert (first.acknowledged, second.acknowledged) == ([], [1])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_network_thread_is_noticed_and_another_takes_over(path: Path) -> None:
    failing = iter([NOW_MS, None])

    def failing_ms() -> int:
        found = next(failing, NOW_MS)
        if found is None:
            raise LookupError("planted")
        return found

    alarms: queue.Queue[Alarm] = queue.Queue()
    with PlainBroker(False, True) as broker:
        listener = Listener(at(broker.port, 3), path, "gateway", failing_ms, on_alarm=alarms.put)
        with listener:
            broker.next().publish(1, *beat(1))
            assert alarms.get(timeout=WAIT_S).kind == "network-thread-dead"
            second = broker.next()
            second.publish(1, *beat(1), repeated=True)
            assert listener.wait_for(lambda counts: counts.fresh == 1, WAIT_S)
            assert wait_until(lambda: second.acknowledged == [1])


def test_a_topic_we_may_not_hear_raises_an_alarm(path: Path) -> None:
    with PlainBroker(False, granted=0x80) as broker, ear(at(broker.port, 3), path) as hearing:
        assert hearing.alarm() == Alarm("subscription-refused", "ho/1/d/+/sig/+: Unspecified error")


def test_a_topic_that_is_no_text_is_kept_as_no_signal(path: Path) -> None:
    with PlainBroker(False) as broker, ear(at(broker.port, 3), path) as hearing:
        connection = broker.next()
        connection._send(0x32, b"\x00\x02\xff\xfe\x00\x01payload")
        counts = hearing.wait(lambda counts: counts.messages == 1)
        assert counts.rejected == 1
        assert wait_until(lambda: connection.acknowledged == [1])


# -- the trial broker ---------------------------------------------------------
def test_the_trial_broker_is_heard_as_well(path: Path) -> None:
    broker = TrialBroker()
    try:
        with ear(at(broker.port, 3), path) as hearing:
            hearing.wait(lambda counts: counts.subscribed)
            for number in range(20):
                broker.publish(*beat(number))
            hearing.wait(lambda counts: counts.fresh == 20)
    finally:
        broker.close()
    assert stored(path) == sorted(f"n{number}" for number in range(20))


# -- kill -9 ------------------------------------------------------------------
class Process:
    """The listener in a process of its own; `heard` is what it said last."""

    def __init__(self, path: Path, port: int, plant: str, *batches: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "device" / "hearing.py"), str(path), str(port), *batches],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT), "HANDOVER_PLANT": plant},
            text=True,
        )
        self.heard = {"messages": 0, "repeated": 0, "subscribed": False}

    def until(self, enough: Callable[[dict[str, int | bool]], bool]) -> bool:
        """Return once it said enough; False when it died before."""
        assert self._process.stdout
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break  # its last words were cut off
            self.heard = json.loads(line)
            if enough(self.heard):
                return True
        return False

    def kill(self) -> int:
        """What it had seen twice when it ended."""
        with self:
            self._process.kill()
            self.until(lambda _: False)
        return int(self.heard["repeated"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(WAIT_S)
        assert self._process.stdout
        self._process.stdout.close()


def lost_to_kills(tmp_path: Path, plant: str) -> tuple[set[str], int]:
    """What of 5,000 messages is missing after ten kills, and how many came twice.

    Some die at once, some while they work, some by their own hand between a commit and its acknowledgement.
    """
    path = tmp_path / "agent.sqlite"
    random = Random(9)
    repeated = 0
    with Mosquitto(tmp_path) as broker, closing(connect(path)) as con:
        with Process(path, broker.port, plant) as first:
            assert first.until(lambda heard: bool(heard["subscribed"]))
            first.kill()
        for round_ in range(9):
            broker.publish([beat(number) for number in range(round_ * 500, round_ * 500 + 500)])
            way = ("soon", "later", "self")[round_ % 3]
            with Process(path, broker.port, plant, *(["1"] if way == "self" else [])) as process:
                least = {"soon": 1, "later": random.randrange(1, 200), "self": 1_000_000}[way]
                process.until(lambda heard, least=least: heard["messages"] >= least)  # type: ignore[misc]
                repeated += process.kill()
        broker.publish([beat(number) for number in range(4_500, 5_001)])
        with Process(path, broker.port, plant) as last:
            # The broker sends in order: what it still has comes before the last message.
            assert last.until(lambda _: "n5000" in known(con))
            repeated += last.kill()
    return {f"n{number}" for number in range(5_001)} - set(stored(path)), repeated


def known(con: sqlite3.Connection) -> set[str]:
    last = con.execute("SELECT coalesce(max(arrival), 0) FROM signal").fetchone()[0]
    return {signal.native_key.partition("/")[2] for signal in signals_after(con, max(0, last - 1_000))[1]}


@pytest.mark.alone
def test_kill_minus_nine_ten_times_loses_none_of_five_thousand_messages(tmp_path: Path) -> None:
    lost, repeated = lost_to_kills(tmp_path, "")
    assert lost == set()
    assert repeated > 0


@pytest.mark.alone
def test_the_same_with_automatic_acknowledgement_loses_some(tmp_path: Path) -> None:
    lost, _ = lost_to_kills(tmp_path, "auto_ack")
    assert lost


def wait_until(holds: Callable[[], bool], longest_s: float = WAIT_S) -> bool:
    """Whether it came to hold within the time that a slow machine is given."""
    tick = threading.Event()
    for _ in range(int(longest_s / 0.01)):
        if holds():
            return True
        tick.wait(0.01)
    return False
