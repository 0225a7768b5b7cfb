"""Sessions in cookies, and forms that no other site can send.

A session's token is in a cookie and nowhere else. Scripts cannot read it (HttpOnly); requests that another site
has begun do not carry it (SameSite=Strict); over TLS no sibling host can set it, nor an earlier plain answer (the
prefix __Host-, RFC 6265bis 4.1.3.2).
"""

from urllib.parse import urlsplit

from edge.errors import CrossSite
from edge.http import Header, Request
from edge.state import EdgeState

_PREFIX = "__Host-"


class SessionCookie:
    """A cookie by its name. `life_s` is how long the session lives."""

    def __init__(self, name: str, *, life_s: int) -> None:
        self._name = name
        self._life_s = life_s

    def read(self, state: EdgeState, request: Request) -> str | None:
        """The token that came. Of two by one name neither is believed."""
        name = self._name_for(state, request)
        pairs = [part.strip().partition("=") for part in (request.header(b"cookie") or "").split(";")]
        values = [value for given, _, value in pairs if given == name]
        return values[0] if len(values) == 1 else None

    def header(self, state: EdgeState, request: Request, token: str) -> Header:
        return self._header(state, request, f"{token}; Max-Age={self._life_s}")

    def ended(self, state: EdgeState, request: Request) -> Header:
        return self._header(state, request, "; Max-Age=0")

    def _header(self, state: EdgeState, request: Request, value: str) -> Header:
        secure = "; Secure" if _is_secure(state, request) else ""
        name = self._name_for(state, request)
        return b"set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}".encode()

    def _name_for(self, state: EdgeState, request: Request) -> str:
        return _PREFIX + self._name if _is_secure(state, request) else self._name


def require_same_origin(state: EdgeState, request: Request) -> None:
    """Let pass what a page of this edge has sent. Browsers say so: `Sec-Fetch-Site` where it is HTTPS or loopback,
    `Origin` with every form. Who says neither is no browser that we know.

    Raises:
        CrossSite
    """
    site = request.header(b"sec-fetch-site")
    if site is None and _host_of(request.header(b"origin")) in _own_hosts(state, request):
        return
    if site != "same-origin":
        raise CrossSite


def _own_hosts(state: EdgeState, request: Request) -> set[str]:
    """By what browsers may know this edge; the scheme may be another behind a proxy that ends TLS."""
    return {_host_of(state.base_url(request)), _host_of(request.origin)} - {""}


def _host_of(url: str | None) -> str:
    """Host and port; empty if there is none."""
    try:
        return urlsplit(url or "").netloc.lower()
    except ValueError:
        return ""


def _is_secure(state: EdgeState, request: Request) -> bool:
    return "https" in (request.scope["scheme"], urlsplit(state.public_url or "").scheme)
