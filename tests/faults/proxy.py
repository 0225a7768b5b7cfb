"""A TCP proxy that stands for a bad network between an edge and Redis.

with Proxy(redis.socket) as proxy:
    ... Edge(redis, redis_url=f"redis://127.0.0.1:{proxy.port}") ...
    with proxy.holding():
        ... nothing gets through ...
"""

import asyncio
import socket
import struct
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from anyio.from_thread import start_blocking_portal

from tests.engine.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from pathlib import Path

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PIECE = 65536
_LINGER_NOT = struct.pack("ii", 1, 0)  # a socket that is closed so says RST
UP, DOWN = "up", "down"  # towards Redis, and back
BOTH = frozenset({UP, DOWN})


class Proxy:
    """Listens on a port of its own, in a thread of its own, and changes its behaviour for the time of a block."""

    def __init__(self, upstream: "Path") -> None:
        self.port = free_port()
        self.accepted = 0
        self._upstream = upstream
        self._delay_s = 0.0
        self._bytes_per_s = 0
        self._held = frozenset[str]()
        self._cut_after: int | None = None
        self._open: set[_Line] = set()

    def __enter__(self) -> Self:
        self._portals = start_blocking_portal("asyncio", {"use_uvloop": False})
        self._call = self._portals.__enter__().call
        self._call(self._listen)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._call(self._refuse)
        self._portals.__exit__(None, None, None)

    def reset(self) -> None:
        """Reset all connections, as a firewall that has forgotten them does."""
        self._call(self._reset)

    def orphan(self) -> None:
        """Let all connections hang for good, as those of a host that went without a word; new ones are good."""
        self._call(self._orphan)

    @contextmanager
    def holding(self, directions: frozenset[str] = BOTH) -> "Generator[None]":
        """Nothing gets through, on old and new connections, and nobody is told. It arrives after all."""
        self._call(self._hold, directions)
        try:
            yield
        finally:
            self._call(self._hold, frozenset[str]())

    @contextmanager
    def refusing(self) -> "Generator[None]":
        """No connection is left, and there is none to be had."""
        self._call(self._refuse)
        try:
            yield
        finally:
            self._call(self._listen)

    @contextmanager
    def slow(self, *, delay_s: float = 0.0, bytes_per_s: int = 0) -> "Generator[None]":
        """Everything from Redis comes so much later, and no faster than that; 0 = as fast as it goes."""
        self._delay_s, self._bytes_per_s = delay_s, bytes_per_s
        try:
            yield
        finally:
            self._delay_s, self._bytes_per_s = 0.0, 0

    @contextmanager
    def cutting(self, *, after: int) -> "Generator[None]":
        """Every connection, old or new, ends after so many bytes from Redis: mostly in the midst of a reply."""
        self._call(self._cut, after)
        try:
            yield
        finally:
            self._call(self._cut, None)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            line = _Line((reader, writer), await asyncio.open_unix_connection(str(self._upstream)))
        except OSError:  # Redis is not there
            writer.transport.abort()
            return
        line.left = self._cut_after
        self._open.add(line)
        try:
            await line.run(self._pass)
        finally:
            self._open.discard(line)

    async def _pass(self, line: "_Line", direction: str, piece: bytes) -> None:
        """Deliver what came from one side to the other, when and as far as it may."""
        while direction in self._held or line.is_orphan:
            await line.changed.wait()
        if direction == DOWN:
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            if self._bytes_per_s:
                await asyncio.sleep(len(piece) / self._bytes_per_s)
            if line.left is not None:
                piece = piece[: line.left]
                line.left -= len(piece)
        await line.deliver(direction, piece)

    async def _hold(self, directions: frozenset[str]) -> None:
        self._held = directions
        for line in self._open:
            line.wake()

    async def _cut(self, after: int | None) -> None:
        self._cut_after = after
        for line in self._open:
            line.left = after

    async def _orphan(self) -> None:
        for line in self._open:
            line.is_orphan = True

    async def _reset(self) -> None:
        for line in [*self._open]:
            line.reset()

    async def _refuse(self) -> None:
        self._server.close()
        await self._reset()


class _Line:
    """A connection and its counterpart. One that its client has left is kept until all has arrived."""

    def __init__(self, client: "Streams", redis: "Streams") -> None:
        self._readers = {UP: client[0], DOWN: redis[0]}
        self._writers = {UP: redis[1], DOWN: client[1]}
        self._pumps: list[asyncio.Task[None]] = []
        self.left: int | None = None
        self.is_orphan = False
        self.changed = asyncio.Event()

    async def run(self, deliver: "Callable[[_Line, str, bytes], Awaitable[None]]") -> None:
        self._pumps = [asyncio.create_task(self._pump(direction, deliver)) for direction in (UP, DOWN)]
        try:
            await asyncio.wait(self._pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.reset()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def deliver(self, direction: str, piece: bytes) -> None:
        with suppress(OSError):  # who is gone need not stop what the other one has sent before
            self._writers[direction].write(piece)
            await self._writers[direction].drain()
        if self.left == 0:
            self.reset()

    def reset(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        for writer in self._writers.values():
            sock = writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            writer.transport.abort()

    async def _pump(self, direction: str, deliver: "Callable[[_Line, str, bytes], Awaitable[None]]") -> None:
        with suppress(OSError):
            while piece := await self._readers[direction].read(_PIECE):
                await deliver(self, direction, piece)
