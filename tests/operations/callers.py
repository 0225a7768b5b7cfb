"""Callers as they are: they keep their connections, and open another when one was closed on them."""

import socket
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from threading import Event
from typing import BinaryIO

from tests.edge.sockets import Answer

PATIENCE_SECONDS = 10
_PAUSE_SECONDS = 0.02  # so that edges may start beside them
_END_OF_HEAD = (b"\r\n", b"")  # as it should be, or because the connection ended


class Dropped(Exception):
    """A request that was not answered, though its connection was new or the answer had begun."""


class Caller:
    """One connection at a time.

    `turns` counts what it has done; `reconnects` the connections that were closed before an answer had begun.
    """

    def __init__(self, address: Callable[[], tuple[str, int]]) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._reader: BinaryIO | None = None
        self.turns = 0
        self.reconnects = 0

    def ask(self, sent: bytes) -> Answer:
        """Raises: Dropped"""
        is_kept = self._socket is not None
        if (answer := self._try(sent)) is not None:
            return answer
        if not is_kept or (answer := self._try(sent)) is None:
            raise Dropped
        self.reconnects += 1
        return answer

    def close(self) -> None:
        if self._socket is not None and self._reader is not None:
            self._reader.close()
            self._socket.close()
        self._socket = self._reader = None

    def _try(self, sent: bytes) -> Answer | None:
        """The answer; None if the connection ended before any of it came."""
        try:
            reader = self._connected(sent)
            if status_line := reader.readline():
                return self._read(status_line, reader)
        except ConnectionError:
            pass
        self.close()
        return None

    def _connected(self, sent: bytes) -> BinaryIO:
        if self._socket is None or self._reader is None:
            self._socket = socket.create_connection(self._address(), timeout=PATIENCE_SECONDS)
            self._reader = self._socket.makefile("rb")
        self._socket.sendall(sent)
        return self._reader

    def _read(self, status_line: bytes, reader: BinaryIO) -> Answer:
        """Raises: Dropped: it has begun, so asking again would be no repeat of what was not begun."""
        try:
            head = takewhile(lambda line: line not in _END_OF_HEAD, iter(reader.readline, None))
            answer = Answer.parse(b"".join([status_line, *head]), b"")
            body = reader.read(int(answer.headers["content-length"]))
        except (ConnectionError, KeyError):
            raise Dropped from None
        if len(body) < int(answer.headers["content-length"]):
            raise Dropped
        if answer.headers.get("connection") == "close":
            self.close()
        return answer._replace(body=body)


Work = Callable[[Caller, str], None]
"""What a caller does again and again, each time under another name."""


@contextmanager
def busy(address: Callable[[], tuple[str, int]], *works: Work) -> Generator[list[Caller]]:
    """Callers who do their work until the block is over. What went wrong for one is raised then."""
    callers = [Caller(address) for _ in works]
    over = Event()

    def run(number: int) -> None:
        caller = callers[number]
        while not over.wait(_PAUSE_SECONDS):
            works[number](caller, f"{number}-{caller.turns}")
            caller.turns += 1
        caller.close()

    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(run, number) for number in range(len(works))]
        try:
            yield callers
        finally:
            over.set()
            for each in running:
                each.result()
