"""A small load balancer: every new connection goes to an edge that is ready, and bytes go through as they are."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any, Self

from tests.edge.sockets import request

Address = tuple[str, int]

POLL_SECONDS = 0.05
_PROBE = request("GET", "/readyz", [("connection", "close")])
_PATIENCE_SECONDS = 2.0


class Balancer:
    """In a thread of its own. `address` is where it listens; `ready` is to whom it sends connections."""

    def __init__(self) -> None:
        self.address: Address = ("", 0)
        self.ready: frozenset[Address] = frozenset()
        self._backends: set[Address] = set()
        self._turn = 0
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True, name="balancer")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, backend: Address) -> None:
        """Look whether it is ready from now on."""
        self._loop.call_soon_threadsafe(self._backends.add, backend)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()
        self._start(self._keep_probing())

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_probing(self) -> None:
        while True:
            backends = sorted(self._backends)
            answers = await asyncio.gather(*map(_is_ready, backends))
            self.ready = frozenset(one for one, is_ready in zip(backends, answers, strict=True) if is_ready)
            await asyncio.sleep(POLL_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """To the next of those that are ready; to another one if it does not take the connection."""
        for backend in self._next():
            with suppress(OSError):
                there_reader, there_writer = await asyncio.open_connection(*backend)
                self._start(_pump(reader, there_writer))
                self._start(_pump(there_reader, writer))
                return
        writer.close()

    def _next(self) -> list[Address]:
        ready = sorted(self.ready)
        self._turn += 1
        return [ready[(self._turn + offset) % len(ready)] for offset in range(len(ready))]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other side is told."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _is_ready(backend: Address) -> bool:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(*backend)
            try:
                writer.write(_PROBE)
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except OSError:  # TimeoutError among them
        return False
