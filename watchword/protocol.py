"""uvicorn's HTTP protocol, bounded and with a short way out.

httptools has no bounds on size and time of what comes before and around a body: one connection could fill the
memory with headers, or be held open by half a request line.

uvicorn's way out takes an answer in two messages, searches every header with two regular expressions and writes
twice: a sixth of what a fetch cost. The edge hands its answers over whole (edge/http.py).
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from edge.http import WHOLE_ANSWER

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MAX_HEAD_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # with a body that is refused, and with trailers
HEAD_SECONDS = 10

_EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE_ANSWER: {}}


class EdgeHttpProtocol(HttpToolsProtocol):
    """Refuses a head that has not ended after 64 KiB or 10 seconds, and a message of more than 2 MiB.

    Offers applications the ASGI extension `WHOLE_ANSWER`.
    """

    _edge: "ASGI3Application"
    _answering: "RequestResponseCycle"
    _in_head = True
    _received = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._edge = cast("ASGI3Application", self.app)
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

    def _start_asgi_task(self, cycle: "RequestResponseCycle", app: "ASGI3Application") -> None:
        # One request of a connection is served at a time; further ones are parsed meanwhile, and wait in line.
        self._answering = cycle
        if app is self.app and cycle.scope["method"] != "HEAD":
            cycle.scope["extensions"] = _EXTENSIONS
            app = self._extended
        super()._start_asgi_task(cycle, app)

    def _extended(self, scope: "Scope", receive: "ASGIReceiveCallable", _: "ASGISendCallable") -> Awaitable[None]:
        return self._edge(scope, receive, self._send)

    async def _send(self, message: Any) -> None:  # noqa: ANN401  # any ASGI message
        cycle = self._answering
        if message["type"] != WHOLE_ANSWER:
            await cycle.send(message)
            return
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        parts = [STATUS_LINE[message["status"]]]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        for name, value in message["headers"]:
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n", message["body"])
        self.transport.write(b"".join(parts))
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

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
