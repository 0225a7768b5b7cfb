"""A receiver of callbacks for measurements: answers 204 at once, or never, and notes when it was told of what."""

import asyncio
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from threading import Thread
from typing import cast

import msgspec
import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_HANGS = "/hang"


class _Told(msgspec.Struct):
    challenge_id: str


_read = msgspec.json.Decoder(_Told).decode


class Receiver:
    """`told` has the moment, by `time.perf_counter`, at which it was told of a challenge first."""

    def __init__(self, port: int) -> None:
        self.told: dict[str, float] = {}
        self._home = f"http://127.0.0.1:{port}"

    @property
    def url(self) -> str:
        return f"{self._home}/told"

    @property
    def hanging_url(self) -> str:
        """Where whoever calls waits until it gives up."""
        return self._home + _HANGS

    def note(self, body: bytes) -> None:
        self.told.setdefault(_read(body).challenge_id, time.perf_counter())

    def wait_until_told(self, challenges: set[str], *, within: float) -> None:
        """Raises: TimeoutError: of some of them nobody told."""
        deadline = time.monotonic() + within
        while not challenges <= self.told.keys():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(challenges - self.told.keys())} callbacks did not come")
            time.sleep(0.02)


class _Connection(asyncio.Protocol):
    def __init__(self, note: Callable[[bytes], None], open_ones: set[asyncio.Transport]) -> None:
        self._note = note
        self._open_ones = open_ones
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._open_ones.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(_END_OF_HEAD)
        if not end or head.startswith(b"POST " + _HANGS.encode()):
            return
        length = int(head.lower().partition(_LENGTH)[2].split(b"\r\n")[0])
        if len(rest) >= length:
            self._received = rest[length:]
            self._note(rest[:length])
            self._transport.write(_ANSWER)


@contextmanager
def receiving() -> Generator[Receiver]:
    """In a thread of this process, on a port of the system's choice."""
    listening = socket.create_server(("127.0.0.1", 0))
    receiver = Receiver(listening.getsockname()[1])
    loop = uvloop.new_event_loop()
    serving = loop.create_task(_serve(receiver, listening))
    thread = Thread(target=loop.run_until_complete, args=(asyncio.wait({serving}),), daemon=True, name="receiver")
    thread.start()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()


async def _serve(receiver: Receiver, listening: socket.socket) -> None:
    """Until cancelled."""
    loop, open_ones = asyncio.get_running_loop(), set[asyncio.Transport]()
    server = await loop.create_server(lambda: _Connection(receiver.note, open_ones), sock=listening)
    try:
        await loop.create_future()
    finally:
        server.close()
        for transport in list(open_ones):
            transport.abort()
