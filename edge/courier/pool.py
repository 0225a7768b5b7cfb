"""Connections to receivers: to addresses that the guard has seen, and kept for a moment for the next callback.

The guard sits where connections are made, behind all reading of URLs and names. A name is looked up once, every
address that it has is checked, and one of these is connected to: a name server has no second chance to answer
otherwise (DNS rebinding).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from edge.courier.connection import Connection
from edge.courier.guard import Address, Guard
from edge.courier.target import Origin

Resolve = Callable[[str], Awaitable[Sequence[Address]]]

_TRIES = 3  # addresses of a host that are tried, one after another
_IDLE_SECONDS = 4.0  # common servers hang up after 5


async def resolve(host: str) -> Sequence[Address]:
    """The system's answer, best address first (RFC 6724). Knows the old spellings too: 127.1, 0x7f000001.

    Raises:
        OSError: there is no such name, or nobody to ask.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]


class Pool:
    """A connection is with one exchange or idle here. So a cancelled exchange takes its own along, and no other.

    Args:
        max_idle: how many are kept at most; beyond, the oldest is closed.
    """

    def __init__(self, guard: Guard, resolve: Resolve, *, max_idle: int) -> None:
        self._guard = guard
        self._resolve = resolve
        self._max_idle = max_idle
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._idle: dict[Connection, tuple[Origin, asyncio.TimerHandle]] = {}

    async def take(self, origin: Origin, *, deadline: float) -> Connection:
        """An idle connection, the youngest, or a new one. The deadline is a time of the event loop.

        Raises:
            AddressRefused
            OSError: there is nobody, or not who they ought to be.
        """
        for connection in [kept for kept, (own, _) in reversed(self._idle.items()) if own == origin]:
            self._forget(connection)
            if connection.is_idle:
                return connection
            connection.close()
        return await self._connect(origin, deadline)

    def put_back(self, origin: Origin, connection: Connection) -> None:
        if not connection.is_idle:
            connection.close()
            return
        if len(self._idle) >= self._max_idle:
            self._drop(next(iter(self._idle)))
        timer = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._drop, connection)
        self._idle[connection] = origin, timer

    def close(self) -> None:
        while self._idle:
            self._drop(next(iter(self._idle)))

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.close()

    def _forget(self, connection: Connection) -> None:
        _, timer = self._idle.pop(connection)
        timer.cancel()

    async def _connect(self, origin: Origin, deadline: float) -> Connection:
        """Connect to the first address that answers. Each has an equal share of the time that is left."""
        loop = asyncio.get_running_loop()
        addresses = (await self._addresses(origin.host))[:_TRIES]
        failure = OSError("a name without an address")
        for place, address in enumerate(addresses):
            share = (deadline - loop.time()) / (len(addresses) - place)
            try:
                async with asyncio.timeout(share):
                    return await self._open(origin, address)
            except OSError as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            addresses: Sequence[Address] = [ip_address(host)]
        except ValueError:
            addresses = await self._resolve(host)
        self._guard.check(addresses)
        return addresses

    async def _open(self, origin: Origin, address: Address) -> Connection:
        reader, writer = await asyncio.open_connection(
            str(address),
            origin.port,
            flags=socket.AI_NUMERICHOST,
            ssl=self._tls if origin.secure else None,
            server_hostname=origin.host.rstrip(".") if origin.secure else None,
        )
        return Connection(reader, writer)
