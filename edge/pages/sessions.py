"""Sessions of people: a token in a cookie that no script reads, and requests of our own pages only.

A browser may send a cookie along whoever has made the request. So what changes something is carried out only if
the browser says that a page of ours asks for it (Fetch Metadata, Origin). And the cookie stays at home when a page
of another site asks (SameSite).
"""

from urllib.parse import urlsplit

from edge.http import Header, Request
from edge.state import EdgeState
from engine.errors import OriginRefused


def require_own_page(state: EdgeState, request: Request) -> None:
    """Whether a page of this edge has made the request.

    Browsers that say nothing of sites have an Origin on every such request; who has neither is no browser.

    Raises:
        OriginRefused
    """
    site = request.headers.get(b"sec-fetch-site")
    if site is not None:
        is_ours = site == b"same-origin"
    else:
        own = {_host(state.base_url(request)), _host(request.origin)} - {""}
        is_ours = _host(request.header(b"origin") or "") in own
    if not is_ours:
        raise OriginRefused


def cookie(request: Request, name: str) -> str | None:
    """A cookie's value; None if there is none, or if there are several, of which one may be somebody else's."""
    pairs = [pair.strip().partition("=") for pair in (request.header(b"cookie") or "").split(";")]
    values = [value for key, _, value in pairs if key == name]
    return values[0] if len(values) == 1 else None


def set_cookie(state: EdgeState, request: Request, name: str, value: str, *, path: str, seconds: int) -> Header:
    """A header that has the browser keep a value for pages below a path, for so long; 0 = no longer."""
    is_secure = state.base_url(request).startswith("https://") or request.scope["scheme"] == "https"
    secure = "; Secure" if is_secure else ""
    text = f"{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", text.encode("latin-1"))


def _host(url: str) -> str:
    """Host and port of an address; empty if it is none."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
