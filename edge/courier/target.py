"""Where a callback goes: a URL taken apart, strictly.

Two readers of one lax URL may see two hosts in it. So what leaves room for that is refused before httpx reads it:
user information, encoded hosts, zones, backslashes, blanks, all but ASCII; and fragments, which nobody is sent.
Nothing is rewritten: the path and the query are sent as they are spelled.
"""

import re
from typing import NamedTuple, Self

import httpx

_PORTS = range(1, 65536)
_MAX_URL = 2048
_MAX_NAME = 253  # RFC 1035 2.3.4, as text

_LABEL = "[a-z0-9_-]{1,63}"
_NAME = rf"{_LABEL}(\.{_LABEL})*\.?"
_URL = re.compile(
    rf"(?P<origin>https?://({_NAME}|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{{1,5}}))?)(?P<path>[/?][!\"$-~]*)?",
    re.IGNORECASE | re.ASCII,
)


class UrlRefused(Exception):
    """Not an absolute http or https URL as it is read here. It does not repeat the URL: that may hold secrets."""


class Target(NamedTuple):
    """A URL as its parts appear in a request: the `Host` header, and the request target.

    `origin` is whom to connect to, as httpx reads it, and nothing else of the URL.
    """

    origin: httpx.URL
    host: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises: UrlRefused"""
        match = _URL.fullmatch(url) if len(url) <= _MAX_URL else None
        if match is None or int(match["port"] or 80) not in _PORTS:
            raise UrlRefused
        try:
            origin = httpx.URL(match["origin"].lower())
        except httpx.InvalidURL:
            raise UrlRefused from None
        if len(origin.raw_host) > _MAX_NAME:
            raise UrlRefused
        path = match["path"] or "/"
        return cls(origin, origin.netloc.decode("ascii"), path if path.startswith("/") else f"/{path}")
