"""A broker over TLS: heard where each side knows the other, and told of where one does not."""

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from device.config import Broker, Tls, load_settings
from device.line import Alarm, trust_in
from device.listen import Listener
from device.store.signals import signals_after
from sync.problems import BAD_SETTINGS, Problem
from tests.device.authority import Authority
from tests.device.mosquitto import Mosquitto, free_port

NOW_MS = 1_735_812_395_000
TOPIC = "ho/1/d/gateway/sig/beat"
BEAT = b'{"v":1,"id":"n1","boot":"b","seq":1,"mono":1,"tq":"ntp","ts":"2025-01-02T10:06:34Z"}'
WAIT_S = 30.0


class Secured:
    """A Mosquitto with TLS on `port`, known to `authority` as localhost, and open on the port it has besides."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.authority = Authority(folder)
        self.port = free_port()
        certificate, key = self.authority.issue("broker", "DNS:localhost")
        files = (f"cafile {self.authority.file}", f"certfile {certificate}", f"keyfile {key}")
        self.broker = Mosquitto(
            folder,
            "user root",
            "per_listener_settings true",
            "allow_anonymous true",
            f"listener {self.port} 127.0.0.1",
            *files,
            *(more or ("allow_anonymous true",)),
        )

    def at(self, tls: Tls, host: str = "localhost", port: int = 0) -> Broker:
        return Broker(host=host, port=port or self.port, topics=("ho/1/d/+/sig/+",), tls=tls)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    made = Secured(tmp_path)
    with made.broker:
        yield made


@contextmanager
def hearing(broker: Broker, folder: Path) -> Iterator[tuple[Listener, "queue.Queue[Alarm]"]]:
    alarms: queue.Queue[Alarm] = queue.Queue()
    with Listener(broker, folder / "agent.sqlite", "gateway", lambda: NOW_MS, on_alarm=alarms.put) as listener:
        yield listener, alarms


def test_a_broker_is_heard_whose_certificate_and_name_hold(secured: Secured, tmp_path: Path) -> None:
    with hearing(secured.at(Tls(ca_file=str(secured.authority.file))), tmp_path) as (listener, alarms):
        assert listener.wait_for(lambda counts: counts.subscribed, WAIT_S)
        secured.broker.publish([(TOPIC, BEAT)])
        assert listener.wait_for(lambda counts: counts.fresh == 1, WAIT_S)
    assert alarms.empty()


def test_a_broker_under_another_name_is_not_told_anything(secured: Secured, tmp_path: Path) -> None:
    tls = Tls(ca_file=str(secured.authority.file))
    with hearing(secured.at(tls, host="127.0.0.1"), tmp_path) as (listener, alarms):
        alarm = alarms.get(timeout=WAIT_S)
        assert alarm.kind == "no-trust"
        assert "IP address mismatch" in alarm.detail
        assert listener.counts.connections == 0


def test_a_broker_of_another_authority_is_not_told_anything(secured: Secured, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other")
    for tls in (Tls(ca_file=str(other.file)), Tls()):
        with hearing(secured.at(tls), tmp_path) as (listener, alarms):
            alarm = alarms.get(timeout=WAIT_S)
            assert (alarm.kind, "CERTIFICATE_VERIFY_FAILED" in alarm.detail) == ("no-trust", True)
            assert listener.counts.connections == 0


def test_a_port_without_tls_is_told_of(secured: Secured, tmp_path: Path) -> None:
    broker = secured.at(Tls(ca_file=str(secured.authority.file)), port=secured.broker.port)
    with hearing(broker, tmp_path) as (listener, alarms):
        assert alarms.get(timeout=WAIT_S).detail.endswith("does this port speak TLS?")
        assert listener.counts.connections == 0


def test_a_device_is_who_its_certificate_says(tmp_path: Path) -> None:
    """As SIGNALS has the broker set: no password, and a client id that nobody else can take."""
    rules = tmp_path / "rules.acl"
    rules.write_text("user gateway\ntopic read ho/1/d/#\n")
    identity = ("use_identity_as_username true", "use_username_as_clientid true", f"acl_file {rules}")
    made = Secured(tmp_path, "require_certificate true", "allow_anonymous false", *identity)
    certificate, key = made.authority.issue("gateway")
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    nameless = Tls(ca_file=str(made.authority.file))
    with made.broker:
        for tls in (
            msgspec.structs.replace(nameless, certificate_file=str(certificate), key_file=str(key)),
            msgspec.structs.replace(nameless, certificate_file=str(both)),
        ):
            with hearing(made.at(tls), tmp_path) as (listener, _):
                assert listener.wait_for(lambda counts: counts.subscribed, WAIT_S)
        made.broker.publish([(TOPIC, BEAT)])  # while nobody listens: the session is that of the certificate's name
        with hearing(made.at(tls), tmp_path) as (listener, _):
            assert listener.wait_for(lambda counts: counts.fresh == 1, WAIT_S)
        with hearing(made.at(nameless), tmp_path) as (listener, alarms):
            alarm = alarms.get(timeout=WAIT_S)
            assert alarm.kind == "no-trust"
            assert "certificate" in alarm.detail.lower()
            assert listener.counts.connections == 0
    con = sqlite3.connect(tmp_path / "agent.sqlite")
    assert len(signals_after(con, 0)[1]) == 1
    con.close()


def test_files_that_cannot_be_used_are_named_before_anything_is_called(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("gateway")
    _, other_key = authority.issue("other")
    guarded, guarded_key = authority.issue("guarded", guard="a secret")
    words = tmp_path / "words.pem"
    words.write_text("just words")
    for tls, named in (
        (Tls(ca_file=str(tmp_path / "none.pem")), "none.pem"),
        (Tls(ca_file=str(words)), "words.pem"),
        (Tls(certificate_file=str(words)), "words.pem"),
        (Tls(certificate_file=str(certificate)), "gateway.pem"),
        (Tls(certificate_file=str(certificate), key_file=str(other_key)), "other.key"),
        (Tls(certificate_file=str(guarded), key_file=str(guarded_key)), "guarded.key"),
        (Tls(key_file=str(key)), "gateway.key"),
        (Tls(ca_file="\0"), "\0"),
    ):
        with pytest.raises(Problem) as caught:
            trust_in(tls)
        assert caught.value.kind is BAD_SETTINGS
        assert named in caught.value.where


def test_what_is_set_stands_in_the_settings_of_the_device(tmp_path: Path) -> None:
    said = b'{"broker":{"host":"broker.example","port":8883,"topics":["a"],"tls":{"ca_file":"ca.pem"}}}'
    (tmp_path / "settings.json").write_bytes(said)
    broker = load_settings(tmp_path).broker
    assert broker is not None
    assert broker.tls == Tls(ca_file="ca.pem")
    (tmp_path / "settings.json").write_bytes(said.replace(b"ca_file", b"verify"))
    with pytest.raises(Problem):
        load_settings(tmp_path)
