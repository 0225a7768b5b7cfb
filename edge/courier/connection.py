"""One HTTP/1.1 connection to a receiver, spoken by h11."""

import asyncio
import contextlib

import h11

from edge.http import at_once

_MAX_ANSWER_BYTES = 16 * 1024  # head and body; nobody reads the body


class Connection:
    """Serves one exchange at a time. Whoever has it closes it, unless it is idle again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_ANSWER_BYTES)
        self._unread = 0

    async def ask(self, request: h11.Request, body: bytes) -> h11.Response:
        """Send a request and return the head of its answer.

        Raises:
            OSError: the receiver hung up.
            h11.RemoteProtocolError: it speaks something else, or too much.
        """
        if self._writer.is_closing():
            raise ConnectionResetError
        self._unread = _MAX_ANSWER_BYTES
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        # Not waiting until it is written: a receiver may refuse a body without reading it.
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        while isinstance(event := await self._next_event(), h11.InformationalResponse):
            pass
        if not isinstance(event, h11.Response):
            raise h11.RemoteProtocolError("no answer")
        return event

    async def finish(self) -> None:
        """Read the rest of an answer, for the sake of the next exchange. Raises what ask() raises."""
        while isinstance(await self._next_event(), h11.Data):
            pass
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()

    @property
    def is_idle(self) -> bool:
        """Whether another exchange can begin: all is sent, and nothing came that would be taken for its answer."""
        is_sent = self._http.our_state is h11.IDLE and not self._writer.transport.get_write_buffer_size()
        return is_sent and not self._http.trailing_data[0] and self._is_silent()

    def close(self) -> None:
        """At once: nothing of it is left to a task that may be cancelled."""
        self._writer.transport.abort()

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if not self._unread:
                raise h11.RemoteProtocolError("more than is read of an answer")
            received = await self._reader.read(self._unread)
            self._unread -= len(received)
            self._http.receive_data(received)
        return event

    def _is_silent(self) -> bool:
        with contextlib.suppress(OSError):
            return at_once(self._reader.read(1)) is None
        return False
