"""One callback, one answer: an HTTP POST to an address that a tenant chose, and what came of it."""

import asyncio
import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NamedTuple, Self

import httpx

from edge.courier.guard import AddressRefused, Guard
from edge.courier.target import Target, UrlRefused
from edge.courier.transport import Resolve, Transport, resolve

_USER_AGENT = "Watchword"
_MAX_RETRY_AFTER_S = 24 * 60 * 60
_GONE = 410
_SECONDS = re.compile("[0-9]{1,20}")

# Of a header (RFC 9110 5.1, 5.5), in ASCII.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")

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
        self._places = asyncio.Semaphore(max_connections)
        transport = Transport(guard, resolve, max_idle=max_connections)
        self._http = httpx.AsyncClient(transport=transport, timeout=timeout_s, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    async def send(self, callback: Callback) -> Answer:
        """Send once. Whatever the receiver does is an answer.

        Raises:
            ValueError: a header is ours to send, or none at all. The sentence does not repeat it.
        """
        try:
            request = _request(callback)
        except UrlRefused:
            return Answer(Outcome.FORBIDDEN, None, None, 0.0)
        async with self._places:
            return await self._answer(request)

    async def _answer(self, request: httpx.Request) -> Answer:
        started = time.monotonic()
        status = wait_s = None
        try:
            response = await self._http.send(request)
            status, wait_s = response.status_code, _wait_s(response)
            outcome = _outcome(status)
        except AddressRefused:
            outcome = Outcome.FORBIDDEN
        except httpx.TimeoutException:
            outcome = Outcome.TIMEOUT
        except httpx.TransportError:
            outcome = Outcome.UNREACHABLE
        return Answer(outcome, status, wait_s, time.monotonic() - started)


def _request(callback: Callback) -> httpx.Request:
    """httpx is told only whom to call, and the request target apart: it would spell that in its own way."""
    target = Target.parse(callback.url)
    if any(name.lower() in _OURS for name, _ in callback.headers):
        raise ValueError("a header of the callback is the sender's own")
    if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in callback.headers):
        raise ValueError("a header of the callback cannot be sent")
    return httpx.Request(
        "POST",
        target.origin,
        headers=[("Host", target.host), ("User-Agent", _USER_AGENT), *callback.headers],
        content=callback.body,
        extensions={"target": target.path.encode()},
    )


def _outcome(status: int) -> Outcome:
    if status == _GONE:
        return Outcome.GONE
    return Outcome.DELIVERED if 200 <= status < 300 else Outcome.REFUSED


def _wait_s(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    return None if value is None else retry_after_s(value)


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
