"""The line to a broker: paho-mqtt set so that nothing is acknowledged, forgotten or thrown away by itself.

Source: paho-mqtt 2.2's `client.py` and its documentation, "Client" and "Known limitations".
"""

import logging
import socket
import ssl
import sys
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.config import Broker, Tls
from sync.problems import BAD_SETTINGS, Problem

log = logging.getLogger(__name__)

SESSION_EXPIRY_S: Final = 7 * 86_400
"""How long the broker is asked to keep our session and its queue while we are away (MQTT 5)."""
RECEIVE_MAXIMUM: Final = 1_000
"""How many messages the broker may have under way to us at once (MQTT 5): more than a batch, so that it never waits."""
RECONNECT_S: Final = (1, 30)
"""First and longest wait between two connections."""


AlarmKind = Literal[
    "session-lost",
    "refused",
    "no-trust",
    "subscription-refused",
    "flapping",
    "silent",
    "network-thread-dead",
    "store-refuses",
    "overflow",
]


class Alarm(NamedTuple):
    """Something an operator should know."""

    kind: AlarmKind
    detail: str


def new_client(broker: Broker, client_id: str, trust: ssl.SSLContext | None) -> mqtt.Client:
    """A client that keeps its session and acknowledges only when told. BAD_SETTINGS: the password cannot be read."""
    newest = broker.protocol == 5
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if newest else False,  # MQTT 5 says it when connecting
        protocol=MQTTProtocolVersion.MQTTv5 if newest else MQTTProtocolVersion.MQTTv311,
        manual_ack=True,
    )
    client.reconnect_delay_set(*RECONNECT_S)
    if trust is not None:
        client.tls_set_context(trust)
    if broker.username:
        client.username_pw_set(broker.username, _password(broker.password_file))
    return client


class _Line(ssl.SSLSocket):
    """A connection that is shut where no trust came about; paho leaves that to chance."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as ssl has it
        """As ssl does it."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def trust_in(tls: Tls) -> ssl.SSLContext:
    """Whom to trust and what to show, with the host's name checked. BAD_SETTINGS: a file cannot be read or used."""
    if tls.key_file and not tls.certificate_file:
        raise Problem(BAD_SETTINGS, "a key without its certificate_file", tls.key_file)
    file = tls.ca_file
    try:
        trust = ssl.create_default_context(cafile=file or None)
        trust.sslsocket_class = _Line
        if tls.certificate_file:
            file = " and ".join(name for name in (tls.certificate_file, tls.key_file) if name)
            # Without a password of ours OpenSSL would ask for one at the terminal.
            trust.load_cert_chain(tls.certificate_file, tls.key_file or None, password="")
    except (OSError, ValueError) as error:
        raise Problem(BAD_SETTINGS, f"this cannot be used for TLS: {error}", file) from error
    return trust


def distrust(*, connected: bool) -> str:
    """Why a TLS line breaks off for want of trust, asked while paho handles that it does; empty: not for that."""
    error = sys.exc_info()[1]
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionResetError):
        return "" if connected else "it hung up where TLS begins; does this port speak TLS?"
    return str(error) if isinstance(error, ssl.SSLError) else ""


def call(client: mqtt.Client, broker: Broker, keepalive_s: int) -> None:
    """Afterwards the client's own thread connects, and again whenever the line breaks."""
    if broker.protocol == 5:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # untyped in paho
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        # paho's default would throw the session away at the first connection of each process.
        client.connect_async(broker.host, broker.port, keepalive_s, clean_start=False, properties=properties)
    else:
        client.connect_async(broker.host, broker.port, keepalive_s)
    client.loop_start()


def subscribe(client: mqtt.Client, broker: Broker) -> None:
    """Ask for the topics at QoS 1; at every connection, because it costs nothing and a session may have been lost.

    Never QoS 2: with manual acknowledgement a killed process leaves the broker's window full.
    """
    if broker.protocol == 5:
        options = SubscribeOptions(
            qos=1, noLocal=True, retainAsPublished=True, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND
        )
        client.subscribe([(topic, options) for topic in broker.topics])
    else:
        client.subscribe([(topic, 1) for topic in broker.topics])


def shut(client: mqtt.Client) -> None:
    """Afterwards the client's connection is broken, so that its thread, if it lives, notices."""
    line: Any = client.socket()
    if line is None:
        return
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        log.info("the line was down already", extra={"reason": str(error)})


def _password(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(BAD_SETTINGS, f"the broker's password cannot be read: {error}", path) from error
