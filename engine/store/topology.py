"""Where Redis is, read from a URL: one server, a primary that Sentinels know, or a Cluster.

    redis://user:password@host:port/db          rediss:// with TLS, unix:///path/redis.sock?db=0
    redis+sentinel://user:password@host:port,host:port/service/db?sentinel_username=...&sentinel_password=...
    redis+cluster://user:password@host:port,host:port

User and password are those of the servers; Sentinels have their own. `rediss+...` is TLS to all of them. A host
without a port has that of its kind: 6379, or 26379 of a Sentinel.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import SystemRandom
from typing import TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from engine.store.address import Address, AddressError, host_and_port
from engine.store.asking import ask_once
from engine.store.errors import LinkDown
from engine.store.slots import read_slots

_chance = SystemRandom()  # that of the module has a state, which others in the process may have set

_SENTINEL_PORT = 26379
_DOWN = {b"s_down", b"o_down"}  # what a Sentinel thinks of a primary that it is about to replace
_SEVERAL = re.compile(r"(rediss?)\+(sentinel|cluster)://")


@dataclass(frozen=True, slots=True)
class Sentinels:
    """A primary that moves: Sentinels tell where it is.

    Args:
        sentinels: whom to ask.
        service: the name by which they know it.
        primary: how to sign in to it, wherever it is.
    """

    sentinels: tuple[Address, ...]
    service: str
    primary: Address

    async def locate(self) -> Address:
        """The primary, as the first Sentinel says that has an answer; a random one is asked first.

        Raises:
            LinkDown: none has.
        """
        why = ""
        for sentinel in _chance.sample(self.sentinels, len(self.sentinels)):
            try:
                told = await ask_once(sentinel, "SENTINEL", "MASTER", self.service)
            except LinkDown as error:
                why = str(error)
                continue
            if not _DOWN & set(told[b"flags"].split(b",")):
                return replace(self.primary, host=told[b"ip"].decode(), port=int(told[b"port"]))
            why = "it is down"
        raise LinkDown(f"no Sentinel knows a primary of {self.service}: {why}")

    async def primaries(self) -> list[Address]:
        """Raises: LinkDown."""
        return [await self.locate()]

    def __str__(self) -> str:
        return (
            f"{_scheme(self.primary)}+sentinel://{_hosts(self.sentinels)}/{self.service}/{self.primary.database}"
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Redis Cluster. Any node of it tells of all others."""

    seeds: tuple[Address, ...]

    def node(self, host: str, port: int) -> Address:
        """A node of it: the same user everywhere."""
        return replace(self.seeds[0], host=host, port=port)

    async def primaries(self) -> list[Address]:
        """Raises: LinkDown."""
        slots = await read_slots(self.seeds)
        return [self.node(*host) for host in dict.fromkeys(slots.masters) if host is not None]

    def __str__(self) -> str:
        return f"{_scheme(self.seeds[0])}+cluster://{_hosts(self.seeds)}"


Topology: TypeAlias = Address | Sentinels | Cluster


def parse_topology(url: str, *, password: str | None = None) -> Topology:
    """Read a URL.

    Args:
        password: that of the servers, where it is not in the URL.

    Raises:
        AddressError: it cannot be used.
    """
    match = _SEVERAL.match(url)
    try:
        if match is None:
            return _with_password(Address.parse(url), password)
        parts = urlsplit(url)
        user, _, hosts = parts.netloc.rpartition("@")
        known = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise AddressError("the Redis URL cannot be used: its hosts or its query are malformed") from None
    names = [name for name in hosts.split(",") if name]
    if not names:
        raise AddressError("the Redis URL names no host")
    path = [part for part in parts.path.split("/") if part]
    if match[2] == "cluster":
        if path not in ([], ["0"]):
            raise AddressError("a Redis Cluster has no database but 0")
        return Cluster(tuple(_with_password(_node(match[1], user, name, known), password) for name in names))
    return _sentinels(match[1], user, names, path, known, password)


def _sentinels(
    scheme: str, user: str, names: Sequence[str], path: Sequence[str], query: dict[str, str], password: str | None
) -> Sentinels:
    if len(path) not in {1, 2}:
        raise AddressError("a URL of Sentinels ends in /service or /service/db: which of their primaries is it?")
    own_user = query.pop("sentinel_username", "")
    own_password = query.pop("sentinel_password", "")
    sign_in = f"{quote(own_user, safe='')}:{quote(own_password, safe='')}" if own_password else ""
    sentinels = [_node(scheme, sign_in, name, query, default_port=_SENTINEL_PORT) for name in names]
    if len(path) > 1:
        query["db"] = path[1]
    primary = _with_password(_node(scheme, user, names[0], query), password)
    return Sentinels(tuple(sentinels), path[0], primary)


def _node(scheme: str, user: str, name: str, query: dict[str, str], *, default_port: int | None = None) -> Address:
    has_port = re.search(r":[0-9]+\Z", name) is not None
    port = "" if has_port or default_port is None else f":{default_port}"
    sign_in = f"{user}@" if user else ""
    return Address.parse(f"{scheme}://{sign_in}{name}{port}/?{urlencode(query)}")


def _with_password(address: Address, password: str | None) -> Address:
    return address if password is None else replace(address, password=password)


def _scheme(address: Address) -> str:
    return "redis" if address.tls is None else "rediss"


def _hosts(addresses: Sequence[Address]) -> str:
    return ",".join(host_and_port(address.host, address.port) for address in addresses)
