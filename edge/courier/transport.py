"""How httpx reaches receivers: over httpcore's pool of connections, and a network backend that guards.

The guard sits where connections are made, behind all reading of URLs and names. A name is looked up once, every
address that it has is checked, and one of these is connected to: a name server has no second chance to answer
otherwise (DNS rebinding).

An exchange has one deadline. httpx knows only how long each step may take, and a receiver that drips makes many.
So what httpcore hands down to the network as a `timeout` is a deadline here, a time of the event loop. What goes
on beyond it fails where it reads or writes, and nothing has to be cancelled from outside.
"""

# ruff: noqa: ASYNC109  # `timeout` is httpcore's name

import asyncio
import contextlib
import logging
import math
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import cast

import httpcore
import httpx

from edge.courier.guard import Address, Guard

Resolve = Callable[[str], Awaitable[Sequence[Address]]]

_TRIES = 3  # addresses of a host that are tried, one after another
_IDLE_SECONDS = 4.0  # common servers hang up after 5
_MAX_ANSWER_BYTES = 16 * 1024  # head and body; nobody reads the body
_BODY_SECONDS = 1.0  # a new connection costs less than waiting longer for the end of a body

# They log whom they call, httpx at INFO and httpcore at DEBUG: that is for no log of ours, whatever its level.
for _library in ("httpx", "httpcore"):
    logging.getLogger(_library).setLevel(logging.WARNING)


async def resolve(host: str) -> Sequence[Address]:
    """The system's answer, best address first (RFC 6724). Knows the old spellings too: 127.1, 0x7f000001.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]


class Transport(httpx.AsyncBaseTransport):
    """Its time-out is that of an exchange as a whole. It does not bound how many there are at a time.

    A pool of httpcore 1.0 may lose a connection when a request is cancelled (its issue 1093). So a cancelled
    exchange retires its pool: the next ones get another, and it is closed when the last on it has ended.
    """

    def __init__(self, guard: Guard, resolve: Resolve, *, max_idle: int) -> None:
        self._new_pool = partial(
            httpcore.AsyncConnectionPool,
            ssl_context=ssl.create_default_context(),
            max_connections=None,
            max_keepalive_connections=max_idle,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Network(guard, resolve),
        )
        self._pool = self._new_pool()
        self._under_way: Counter[httpcore.AsyncConnectionPool] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises: AddressRefused, httpx.TransportError"""
        pool = self._pool
        self._under_way[pool] += 1
        try:
            return await _exchange(pool, request)
        except (httpcore.TimeoutException, TimeoutError):
            raise httpx.TimeoutException("no answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):  # OSError: names, and alerts of TLS
            raise httpx.TransportError("no answer") from None
        except asyncio.CancelledError:
            if pool is self._pool:
                self._pool = self._new_pool()
            raise
        finally:
            self._under_way[pool] -= 1
            if pool is not self._pool and not self._under_way[pool]:
                del self._under_way[pool]
                await asyncio.shield(pool.aclose())

    async def aclose(self) -> None:
        await self._pool.aclose()


async def _exchange(pool: httpcore.AsyncConnectionPool, request: httpx.Request) -> httpx.Response:
    """The receiver has answered by its status. What becomes of the rest decides only about the connection.

    Of the headers only `Retry-After` is handed on. httpx would act on others: keep cookies, read redirects.
    """
    loop = asyncio.get_running_loop()
    deadline: float = loop.time() + request.extensions["timeout"]["read"]
    deadlines = {"connect": deadline, "write": deadline, "read": deadline}
    async with pool.stream(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        content=request.content,
        extensions={**request.extensions, "timeout": deadlines},
    ) as answer:
        deadlines["read"] = min(deadline, loop.time() + _BODY_SECONDS)
        with contextlib.suppress(Exception):
            async for _ in answer.aiter_stream():
                pass
    kept = [(name, value) for name, value in answer.headers if name.lower() == b"retry-after"]
    return httpx.Response(answer.status, headers=kept)


class _Network(httpcore.AsyncNetworkBackend):
    """Connects to addresses that the guard has seen."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._tcp = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())  # typed for want of anyio

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: object, **__: object
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers. Each has an equal share of the time that is left."""
        addresses = (await self._addresses(host, timeout))[:_TRIES]
        failure: Exception = httpcore.ConnectError("a name without an address")
        for place, address in enumerate(addresses):
            share = _left(timeout) / (len(addresses) - place)
            try:
                return _Stream(await self._tcp.connect_tcp(str(address), port, share))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, deadline: float | None) -> Sequence[Address]:
        try:
            addresses: Sequence[Address] = [ip_address(host)]
        except ValueError:
            async with asyncio.timeout_at(deadline):
                addresses = await self._resolve(host)
        self._guard.check(addresses)
        return addresses


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that keeps deadlines, and hands out no more than is read of an answer."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._unread = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if not self._unread:
            raise httpcore.RemoteProtocolError
        received = await self._stream.read(min(max_bytes, self._unread), _left(timeout))
        self._unread -= len(received)
        return received

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unread = _MAX_ANSWER_BYTES
        await self._stream.write(buffer, _left(timeout))

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            name = server_hostname and server_hostname.rstrip(".")
            self._stream = await self._stream.start_tls(ssl_context, name, _left(timeout))
        except BaseException:  # httpcore forgets a connection that is cancelled in here
            await self.aclose()
            raise
        return self

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _left(deadline: float | None) -> float:
    return math.inf if deadline is None else max(deadline - asyncio.get_running_loop().time(), 0.0)
