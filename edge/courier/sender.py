"""One callback, one answer: an HTTP POST to an address that a tenant chose, and what came of it."""

import asyncio
import contextlib
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple, Self

import h11

from edge.courier.connection import Connection
from edge.courier.guard import AddressRefused, Guard
from edge.courier.pool import Pool, Resolve, resolve
from edge.courier.target import Origin, Target, UrlRefused

_USER_AGENT = "Watchword"
_MAX_RETRY_AFTER_S = 24 * 60 * 60
_FINISH_SECONDS = 1.0  # a new connection costs less than waiting longer for the end of a body
_GONE = 410
_SECONDS = re.compile("[0-9]{1,20}")

# They say where a message ends and whom it is for.
_OURS = frozenset({"connection", "content-length", "host", "transfer-encoding", "upgrade", "user-agent"})


class Callback(NamedTuple):
    """What is to be sent. `Host`, `Content-Length` and `User-Agent` are added to the headers."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Outcome(StrEnum):
    DELIVERED = "delivered"  # 2xx
    GONE = "gone"  # 410: the receiver wants no more of them
    REFUSED = "refused"  # any other status; a redirect is not followed
    UNREACHABLE = "unreachable"  # no such name, no connection, no trust, no HTTP
    TIMEOUT = "timeout"
    FORBIDDEN = "forbidden"  # not a URL or not an address that is called


class Answer(NamedTuple):
    """What a receiver said. `retry_after_s` is at most a day; `seconds` is what the exchange took."""

    outcome: Outcome
    status: int | None
    retry_after_s: float | None
    seconds: float


class Sender:
    """Sends for all deliveries of a courier: in an `async with`, which they must not outlive.

    Nothing of an exchange is logged, and nothing of an answer is kept but its status.

    Args:
        timeout_s: for a whole exchange, from the look-up of the name to the answer.
        max_connections: exchanges at a time. More wait, and their time does not run meanwhile.
    """

    def __init__(
        self, guard: Guard, *, timeout_s: float, max_connections: int, resolve: Resolve = resolve
    ) -> None:
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(max_connections)
        self._pool = Pool(guard, resolve, max_idle=max_connections)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._pool.close()

    async def send(self, callback: Callback) -> Answer:
        """Send once. Whatever the receiver does is an answer.

        Raises:
            ValueError: a header is ours to send, or none at all. The sentence does not repeat it.
        """
        try:
            target = Target.parse(callback.url)
        except UrlRefused:
            return Answer(Outcome.FORBIDDEN, None, None, 0.0)
        request = _request(target, callback)
        async with self._slots:
            return await self._answer(target.origin, request, callback.body)

    async def _answer(self, origin: Origin, request: h11.Request, body: bytes) -> Answer:
        started = time.monotonic()
        status = wait_s = None
        try:
            response = await self._exchange(origin, request, body)
            status, wait_s = response.status_code, _wait_s(response)
            outcome = _outcome(status)
        except AddressRefused:
            outcome = Outcome.FORBIDDEN
        except TimeoutError:
            outcome = Outcome.TIMEOUT
        except (OSError, h11.RemoteProtocolError):
            outcome = Outcome.UNREACHABLE
        return Answer(outcome, status, wait_s, time.monotonic() - started)

    async def _exchange(self, origin: Origin, request: h11.Request, body: bytes) -> h11.Response:
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        async with asyncio.timeout_at(deadline):
            connection = await self._pool.take(origin, deadline=deadline)
        try:
            async with asyncio.timeout_at(deadline):
                response = await connection.ask(request, body)
            await _finish(connection, deadline)
            return response
        finally:
            self._pool.put_back(origin, connection)


async def _finish(connection: Connection, deadline: float) -> None:
    """The receiver has answered by its status. What becomes of the rest decides only about the connection."""
    soon = asyncio.get_running_loop().time() + _FINISH_SECONDS
    with contextlib.suppress(OSError, h11.RemoteProtocolError):
        async with asyncio.timeout_at(min(soon, deadline)):
            await connection.finish()


def _request(target: Target, callback: Callback) -> h11.Request:
    if any(name.lower() in _OURS for name, _ in callback.headers):
        raise ValueError("a header of the callback is the sender's own")
    ours = [("Host", target.host), ("User-Agent", _USER_AGENT), ("Content-Length", str(len(callback.body)))]
    try:
        return h11.Request(method="POST", target=target.path, headers=[*ours, *callback.headers])
    except (UnicodeEncodeError, h11.LocalProtocolError):
        raise ValueError("a header of the callback cannot be sent") from None


def _outcome(status: int) -> Outcome:
    if status == _GONE:
        return Outcome.GONE
    return Outcome.DELIVERED if 200 <= status < 300 else Outcome.REFUSED


def _wait_s(response: h11.Response) -> float | None:
    value = dict(response.headers).get(b"retry-after")
    return None if value is None else retry_after_s(value.decode("latin-1"))


def retry_after_s(value: str) -> float | None:
    """What a `Retry-After` asks for, in seconds or as a date (RFC 9110 10.2.3). None if that is not understood."""
    seconds = float(value) if _SECONDS.fullmatch(value) else _seconds_until(value)
    return None if seconds is None else min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _seconds_until(date: str) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return ((then if then.tzinfo else then.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
