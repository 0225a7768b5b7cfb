"""uvicorn's HTTP protocol with bounds on size and time of what comes before and around a body.

httptools has none: one connection could fill the memory with headers, or be held open by half a request line.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # with a body that is refused, and with trailers
HEAD_SECONDS = 10


class BoundedHttpProtocol(HttpToolsProtocol):
    """Refuses a head that has not ended after 64 KiB or 10 seconds, and a message of more than 2 MiB."""

    _in_head = True
    _received = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._received = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._clear_deadline()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._received += len(data)
        if self._in_head and self._deadline is None:
            self._set_deadline()
        if self._received > (MAX_HEAD_BYTES if self._in_head else MAX_MESSAGE_BYTES):
            self._refuse("The request is too large.")

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, "The request did not arrive in time.")

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, message: str) -> None:
        self._clear_deadline()
        if not self.transport.is_closing():
            self.send_400_response(message)
