"""uvicorn's HTTP protocol, bounded and with a short way out.

httptools has no bounds on size and time of what comes before and around a body: one connection could fill the
memory with headers, or be held open by half a request line.

uvicorn's way out takes an answer in two messages, searches every header with two regular expressions and writes
twice: a sixth of what a fetch cost. The edge hands its answers over whole (edge/http.py). And it keeps an idle
connection's time with a timer for every answer; here one looks after the connection every other second.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, cast

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from edge.http import WHOLE_ANSWER

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MAX_HEAD_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 2 * 1024 * 1024  # with a body that is refused, and with trailers
MAX_PIPELINED = 100  # requests that wait for their turn: each of 40 bytes takes 2 kB
HEAD_SECONDS = 10.0
TAKE_SECONDS = 10.0  # for a client to take answers that fill more than the buffers
_LOOK_SECONDS = 2.0  # how exactly times are kept

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_EXTENSIONS: Final[dict[str, dict[object, object]]] = {WHOLE_ANSWER: {}}


class EdgeHttpProtocol(HttpToolsProtocol):
    """Refuses a head that has not ended after 64 KiB or 10 seconds, a message of more than 2 MiB, and more than
    100 requests that wait for their turn. Who does not take answers is served no further, and hung up on after 10
    seconds: so none of the requests under way is one that waits for its client.

    Offers applications the ASGI extension `WHOLE_ANSWER`.
    """

    _edge: "ASGI3Application"
    _answering: "RequestResponseCycle | None" = None
    _measured: object = None  # the scope of the message that `_received` counts
    _received = 0
    _waiting_since: float | None = None  # None while a request is served
    _patience: float = HEAD_SECONDS
    _untaken_since: float | None = None
    _look: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._edge = cast("ASGI3Application", self.app)
        self._waiting_since = self.loop.time()
        self._look = self.loop.call_later(_LOOK_SECONDS, self._look_again)

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():  # refused: there may be no request at all to look at
            return
        scope = self.scope
        self._received = self._received + len(data) if scope is self._measured else len(data)
        self._measured = scope
        in_head = not scope or "method" not in scope
        if not in_head and not self.cycle.response_complete:
            self._waiting_since = None
        elif self._patience != HEAD_SECONDS or self._waiting_since is None:
            self._wait(HEAD_SECONDS)
        if self._received > (MAX_HEAD_BYTES if in_head else MAX_MESSAGE_BYTES):
            self._refuse("The request is too large.")

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            raise HttpParserError  # as what cannot be parsed
        # httptools takes what follows a request for an upgrade for another protocol's, and reads a body as the
        # next request. A proxy in front does not: so there is no next one (request smuggling).
        asks_for_another = self.parser.should_upgrade()  # pyright: ignore[reportOptionalMemberAccess]  # it calls us
        if asks_for_another and any(name in _FRAMING for name, _ in self.headers):
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        # As uvicorn's, but without a timer for every answer.
        self.server_state.total_requests += 1
        if not self.flow.write_paused:
            self._go_on()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.flow.pause_reading()
        self._untaken_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._untaken_since = None
        if self._answering is not None and self._answering.response_complete:
            self._go_on()

    def _go_on(self) -> None:
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._wait(self.timeout_keep_alive if "method" in self.scope else HEAD_SECONDS)

    def _wait(self, patience: float) -> None:
        self._waiting_since = self.loop.time()
        self._patience = patience

    def _look_again(self) -> None:
        now = self.loop.time()
        if self.transport.is_closing() and self._untaken_since is None:
            self._untaken_since = now  # the last answer, or the connection would be gone
        if self._untaken_since is not None:
            if now - self._untaken_since >= TAKE_SECONDS:
                self.transport.abort()
                return
        elif self._waiting_since is not None and now - self._waiting_since >= self._patience:
            self._give_up()
        self._look = self.loop.call_later(_LOOK_SECONDS, self._look_again)

    def _give_up(self) -> None:
        if self._patience == HEAD_SECONDS:
            self._refuse("The request did not arrive in time.")
        else:
            self.timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: "RequestResponseCycle", app: "ASGI3Application") -> None:
        # One request of a connection is served at a time; further ones are parsed meanwhile, and wait in line.
        if self.flow.write_paused:
            self.pipeline.append((cycle, app))
            return
        self._answering = cycle
        if app is self.app and cycle.scope["method"] != "HEAD":
            cycle.scope["extensions"] = _EXTENSIONS
            app = self._extended
        super()._start_asgi_task(cycle, app)

    def _extended(self, scope: "Scope", receive: "ASGIReceiveCallable", _: "ASGISendCallable") -> Awaitable[None]:
        return self._edge(scope, receive, self._send)

    async def _send(self, message: Any) -> None:  # noqa: ANN401  # any ASGI message
        cycle = self._answering
        assert cycle is not None  # noqa: S101  # it is what is answered
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

    def _refuse(self, message: str) -> None:
        if not self.transport.is_closing():
            self.send_400_response(message)
