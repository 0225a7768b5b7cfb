"""Where a Redis node is and how to sign in to it, read from a URL."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class AddressError(Exception):
    """The URL of Redis cannot be used; the sentence says why, without any password."""


@dataclass(frozen=True, slots=True)
class Address:
    """One node, by TCP (with or without TLS) or by a unix socket."""

    host: str
    port: int
    socket: str | None
    username: str | None
    password: str | None = field(repr=False)
    database: int
    tls: ssl.SSLContext | None
    tls_options: dict[str, Any] = field(default_factory=dict, repr=False)  # as redis-py takes them

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read `redis://`, `rediss://` or `unix://`, with redis-py's query options for TLS.

        Raises:
            AddressError: another scheme, a malformed part, or a certificate that cannot be read.
        """
        try:
            parts: dict[str, Any] = dict(parse_url(url))
            tls = _tls(parts) if parts.get("connection_class") is SSLConnection else None
            database = int(parts.get("db") or 0)
            host = _host(url, parts)
        except OSError as error:
            raise AddressError(f"a certificate of the Redis URL cannot be read: {error}") from None
        except ValueError:
            # The reason is not repeated: it quotes the part that was taken for a port, often half a password.
            raise AddressError(
                "the Redis URL cannot be used: it is redis://, rediss:// or unix://, or redis+sentinel:// or "
                "redis+cluster://, with a host and a port that exist, and a percent-encoded password"
            ) from None
        return cls(
            host=host,
            port=int(parts.get("port") or 6379),
            socket=parts.get("path"),
            username=parts.get("username"),
            password=parts.get("password"),
            database=database,
            tls=tls,
            tls_options={name: value for name, value in parts.items() if name.startswith("ssl_")},
        )

    async def locate(self) -> "Address":
        """Here: a server that never moves. See Locator."""
        return self

    def __str__(self) -> str:
        """As far as it may be told: without user and password."""
        if self.socket is not None:
            return f"unix://{self.socket}"
        scheme = "redis" if self.tls is None else "rediss"
        return f"{scheme}://{host_and_port(self.host, self.port)}/{self.database}"

    async def connect(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection.

        Raises:
            OSError: nobody answers there.
        """
        loop = asyncio.get_running_loop()
        if self.socket is not None:
            await loop.create_unix_connection(protocol, self.socket)
        else:
            await loop.create_connection(protocol, self.host, self.port, ssl=self.tls)

    def client_options(self) -> dict[str, Any]:
        """What a client of redis-py is made with: signed in as a link is, and told of a failure at once."""
        where: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "ssl": self.tls is not None,
            **self.tls_options,
        }
        if self.socket is not None:
            where = {"unix_socket_path": self.socket}
        return {
            **where,
            "username": self.username,
            "password": self.password,
            "db": self.database,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
        }

    def hello(self) -> list[str]:
        """The opening command (RESP3), with credentials if there are any."""
        if self.password is None:
            return ["HELLO", "3"]
        return ["HELLO", "3", "AUTH", self.username or "default", self.password]


def host_and_port(host: str, port: int) -> str:
    """As URLs have it, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _host(url: str, parts: dict[str, Any]) -> str:
    """Raises: ValueError: a name that no resolver will ever take, or a unix URL without a path."""
    if url.startswith("unix:") and not parts.get("path"):
        raise ValueError(url)
    host = str(parts.get("host") or "localhost")
    host.encode("idna")
    return host


def _tls(parts: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=parts.get("ssl_ca_certs"))
    if parts.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate := parts.get("ssl_certfile"):
        context.load_cert_chain(certificate, parts.get("ssl_keyfile"))
    return context
