"""A broker that does what the test says, packet by packet (MQTT 3.1.1): for what a good broker would not do on demand.

Source: OASIS MQTT Version 3.1.1, sections 2.2 and 3.
"""

import queue
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

CONNECT, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 4, 8, 12, 14
WAIT_S = 20.0


class Connection:
    """One client that connected: what it acknowledged (`on_ack` is called at that moment), and what it is sent."""

    def __init__(self, line: socket.socket, granted: int) -> None:
        self._line = line
        self._granted = granted
        self.acknowledged: list[int] = []
        self.on_ack: Callable[[], None] = lambda: None
        self.subscribed = threading.Event()
        self.ended = threading.Event()

    def publish(self, mid: int, topic: str, payload: bytes, *, repeated: bool = False) -> None:
        """Send a message at QoS 1."""
        name = topic.encode()
        rest = len(name).to_bytes(2) + name + mid.to_bytes(2) + payload
        self._send(0x32 | (0x08 if repeated else 0), rest)

    def drop(self) -> None:
        """Break the line."""
        self._line.shutdown(socket.SHUT_RDWR)

    def serve(self, *, session_present: bool) -> None:
        """Answer until the client is gone."""
        with self._line:
            while packet := self._packet():
                kind, rest = packet
                if kind == CONNECT:
                    self._send(0x20, bytes([session_present, 0]))
                elif kind == SUBSCRIBE:
                    self._send(0x90, rest[:2] + bytes([self._granted]))
                    self.subscribed.set()
                elif kind == PUBACK:
                    self.on_ack()
                    self.acknowledged.append(int.from_bytes(rest))
                elif kind == PINGREQ:
                    self._send(0xD0, b"")
                elif kind == DISCONNECT:
                    break
        self.ended.set()

    def _send(self, first: int, rest: bytes) -> None:
        length, left = b"", len(rest)
        while True:
            left, digit = divmod(left, 128)
            length += bytes([digit | (0x80 if left else 0)])
            if not left:
                break
        self._line.sendall(bytes([first]) + length + rest)

    def _packet(self) -> tuple[int, bytes] | None:
        first = self._exactly(1)
        if not first:
            return None
        length, shift = 0, 0
        while True:
            digit = self._exactly(1)
            if not digit:
                return None
            length |= (digit[0] & 0x7F) << shift
            shift += 7
            if digit[0] < 0x80:
                return first[0] >> 4, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            try:
                part = self._line.recv(size - len(found))
            except ConnectionError:
                return b""
            if not part:
                return b""
            found += part
        return found


class PlainBroker:
    """Takes clients one after the other.

    `sessions` says for each whether its session was still there, `granted` is the answer to a subscription.
    """

    def __init__(self, *sessions: bool, granted: int = 1) -> None:
        self._granted = granted
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._connections: queue.Queue[Connection] = queue.Queue()
        self._threads = [threading.Thread(target=self._take, args=(sessions,))]
        self._threads[0].start()

    def _take(self, sessions: tuple[bool, ...]) -> None:
        for present in sessions:
            line, _ = self._server.accept()
            connection = Connection(line, self._granted)
            # A client that hangs is not waited for.
            served = threading.Thread(target=connection.serve, kwargs={"session_present": present})
            served.start()
            self._threads.append(served)
            connection.subscribed.wait(WAIT_S)
            self._connections.put(connection)

    def next(self) -> Connection:
        """The next client, once it has subscribed."""
        return self._connections.get(timeout=WAIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for thread in self._threads:
            thread.join(WAIT_S)
        self._server.close()
