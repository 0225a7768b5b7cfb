"""HTTP by hand: for what a well-behaved client would not send, and for many requests in one instant."""

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.edge.program import Edge

_PATIENCE_SECONDS = 10


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def parse(cls, head: bytes, body: bytes) -> Self:
        status_line, *fields = head.decode("latin-1").split("\r\n")
        pairs = [field.partition(":") for field in fields if field]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return cls(int(status_line.split()[1]), headers, body)

    def json(self) -> Any:  # noqa: ANN401  # whatever was said
        return json.loads(self.body)

    @property
    def worker(self) -> str:
        """Which worker answered: the ids that it makes begin alike."""
        return worker_of(self.headers["x-request-id"])


def worker_of(request_id: str) -> str:
    return request_id.partition("-")[0]


def request(method: str, path: str, headers: "Iterable[tuple[str, str]]" = (), body: bytes | None = None) -> bytes:
    """A request as text. What is not said is not sent, but for the host and the length of a body."""
    fields = [("host", "edge"), *headers]
    if body is not None:
        fields.append(("content-length", str(len(body))))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode() + (body or b"")


def exchange(edge: "Edge", sent: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes over a connection of their own; return all that comes until the edge closes it."""
    with socket.create_connection(edge.address, timeout=_PATIENCE_SECONDS) as connection:
        connection.sendall(sent)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(edge: "Edge", sent: bytes) -> Answer:
    """One request, which should say `connection: close`, and its answer."""
    head, _, body = exchange(edge, sent).partition(b"\r\n\r\n")
    return Answer.parse(head, body)


class Swarm:
    """Many open connections that ask in the same instant."""

    def __init__(self, edge: "Edge", size: int) -> None:
        self._edge = edge
        self._initial_size = size
        self._streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def __aenter__(self) -> Self:
        for _ in range(self._initial_size):
            await self.grow()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        for _, writer in self._streams:
            writer.close()
        await asyncio.gather(*[writer.wait_closed() for _, writer in self._streams], return_exceptions=True)

    @property
    def size(self) -> int:
        return len(self._streams)

    async def grow(self) -> None:
        """Open one more connection."""
        self._streams.append(await asyncio.open_connection(*self._edge.address))

    def keep(self, places: "Iterable[int]") -> None:
        """Close all connections but those at these places."""
        kept = [self._streams[place] for place in places]
        for stream in self._streams:
            if stream not in kept:
                stream[1].close()
        self._streams = kept

    async def ask(self, requests: "Sequence[bytes]") -> list[Answer]:
        """Each request over a connection of its own; the answers in the same order."""
        assert len(requests) <= self.size
        for (_, writer), sent in zip(self._streams, requests, strict=False):
            writer.write(sent)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await asyncio.gather(*[_read(reader) for reader, _ in self._streams[: len(requests)]])


async def _read(reader: asyncio.StreamReader) -> Answer:
    answer = Answer.parse(await reader.readuntil(b"\r\n\r\n"), b"")
    return answer._replace(body=await reader.readexactly(int(answer.headers["content-length"])))
