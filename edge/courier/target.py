"""Where a callback goes: a URL taken apart, strictly.

Two readers of one lax URL may see two hosts in it. So there is one reading, in ASCII, and what does not fit is
refused: user information, encoded hosts, zones, backslashes, blanks. Nothing is rewritten: the path and the query
are sent as they are spelled.
"""

import re
from ipaddress import IPv6Address
from typing import NamedTuple, Self

_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535
_MAX_URL = 2048
_MAX_NAME = 253  # RFC 1035 2.3.4, as text

_LABEL = "[a-z0-9_-]{1,63}"
_NAME = rf"{_LABEL}(\.{_LABEL})*\.?"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_NAME}|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>[/?][!\"$-~]*)?(#[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)


class UrlRefused(Exception):
    """Not an absolute http or https URL as it is read here. It does not repeat the URL: that may hold secrets."""


class Origin(NamedTuple):
    """What a connection leads to. The host is a name or an address, in lower case and without brackets."""

    secure: bool
    host: str
    port: int


class Target(NamedTuple):
    """A URL as its parts appear in a request: the `Host` header, and the request target."""

    origin: Origin
    host: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises: UrlRefused"""
        match = _URL.fullmatch(url) if len(url) <= _MAX_URL else None
        if match is None:
            raise UrlRefused
        scheme, host = match["scheme"].lower(), match["host"].lower()
        port = int(match["port"] or _PORTS[scheme])
        if not 0 < port <= _MAX_PORT or not _is_host(host):
            raise UrlRefused
        path = match["path"] or "/"
        return cls(
            origin=Origin(scheme == "https", host.strip("[]"), port),
            host=host if port == _PORTS[scheme] else f"{host}:{port}",
            path=path if path.startswith("/") else f"/{path}",
        )


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return len(host) <= _MAX_NAME
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
