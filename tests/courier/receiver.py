"""A receiver of callbacks: a real HTTP(S) server on loopback, which behaves as badly as it is told to.

with Receiver() as receiver:
    receiver.behave("/hook", status(500), status(204))  # the last one stays
    ... send to receiver.url("/hook") ...
    assert receiver.of("/hook")[0].header("webhook-id") == "..."
"""

import socket
import socketserver
import struct
from collections import defaultdict
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    Way = Callable[["Line"], None]

_DRIP_SECONDS = 0.02
_PIECE = b"x" * 65536


class Received(NamedTuple):
    """A request, its headers in spelling and order. Connections are numbered from 1."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


class Line:
    """A connection as a way sees it. What the other side does to it is no failure of the receiver."""

    def __init__(self, sock: socket.socket, stopped: Event) -> None:
        self.socket = sock
        self.stopped = stopped
        self.sent = 0

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)
        self.sent += len(data)

    def wait_for_hang_up(self) -> None:
        while self.socket.recv(4096):
            pass


def status(code: int, *headers: tuple[str, str], body: bytes = b"") -> "Way":
    fields = [*headers] if code == 204 else [*headers, ("Content-Length", str(len(body)))]
    return raw(_head(code, *fields) + body)


def redirect(to: str) -> "Way":
    return status(302, ("Location", to))


def raw(answer: bytes) -> "Way":
    return lambda line: line.send(answer)


def raw_and_close(answer: bytes) -> "Way":
    def way(line: Line) -> None:
        line.send(answer)
        line.socket.shutdown(socket.SHUT_WR)
        line.wait_for_hang_up()

    return way


def hang(line: Line) -> None:
    line.wait_for_hang_up()


def reset(line: Line) -> None:
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError  # to whoever closes the socket, which resets now


def drip(line: Line) -> None:
    """A head that comes byte by byte and never ends."""
    line.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not line.stopped.wait(_DRIP_SECONDS):
        line.send(b"x")


def drip_body(line: Line) -> None:
    line.send(_head(200, ("Content-Length", "1000000")))
    while not line.stopped.wait(_DRIP_SECONDS):
        line.send(b"x")


def huge(line: Line) -> None:
    """More than anybody wants, as fast as it goes. `Receiver.sent` tells how much went out."""
    line.send(_head(200, ("Content-Length", str(1 << 40))))
    while not line.stopped.is_set():
        line.send(_PIECE)


def _head(code: int, *headers: tuple[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class Receiver:
    """Answers 204 where it is not told otherwise. With a context it speaks TLS."""

    def __init__(self, tls: "ssl.SSLContext | None" = None, *, address: str = "127.0.0.1", port: int = 0) -> None:
        self.tls = tls
        self.requests: list[Received] = []
        self.connections = 0
        self.sent = 0
        self.stopped = Event()
        self._ways: defaultdict[str, list[Way]] = defaultdict(lambda: [status(204)])
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self._server = _Server(self, address, port)
        self.port = self._server.socket.getsockname()[1]

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="receiver").start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()  # waits for its threads

    def url(self, target: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{target}"

    def behave(self, path: str, *ways: "Way") -> None:
        """What becomes of the next requests to a path, one after another; the last way stays."""
        with self._lock:
            self._ways[path] = list(ways)

    def of(self, path: str) -> list[Received]:
        return [request for request in self.requests if request.target.partition("?")[0] == path]

    def say(self, words: bytes) -> None:
        """Something that no request has asked for, on every open connection."""
        with self._lock:
            for connection in self._open:
                connection.sendall(words)

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def serve(self, accepted: socket.socket) -> None:
        """All requests of a connection, in a thread of its own."""
        sock = self._secured(accepted)
        with self._lock:
            self.connections += 1
            number = self.connections
            self._open.add(sock)
        line = Line(sock, self.stopped)
        with suppress(OSError), sock, sock.makefile("rb") as stream:
            while request := _read(stream, number):
                self.requests.append(request)
                self._way(request)(line)
        with self._lock:
            self._open.discard(sock)
            self.sent += line.sent

    def _way(self, request: Received) -> "Way":
        with self._lock:
            ways = self._ways[request.target.partition("?")[0]]
            return ways.pop(0) if len(ways) > 1 else ways[0]

    def _secured(self, accepted: socket.socket) -> socket.socket:
        """The handshake waits for the first reading: until then it could not be interrupted."""
        if self.tls is None:
            return accepted
        return self.tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, receiver: Receiver, address: str, port: int) -> None:
        self.receiver = receiver
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: object) -> None:  # noqa: ANN401  # as socketserver has it
        self.receiver.serve(request)


def _read(stream: Any, number: int) -> Received | None:  # noqa: ANN401  # a buffered socket
    """The next request; None if the other side hangs up instead, or in the midst of it."""
    lines: list[bytes] = []
    while (line := stream.readline()) not in {b"\r\n", b""}:
        lines.append(line)
    if not lines or not line:
        return None
    method, target, _ = lines[0].decode("latin-1").split(" ")
    pairs = [field.decode("latin-1").rstrip("\r\n").partition(": ") for field in lines[1:]]
    headers = tuple((name, value) for name, _, value in pairs)
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    body = stream.read(length)
    return Received(method, target, headers, body, number) if len(body) == length else None
