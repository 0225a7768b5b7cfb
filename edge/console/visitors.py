"""Who looks at the console: nobody yet, an administrator, an operator."""

from typing import NamedTuple

from edge.errors import NotFound
from edge.http import Header, Request
from edge.pages.sessions import cookie, is_secure, set_cookie
from edge.state import EdgeState
from engine.admins import Admin
from engine.errors import Unauthenticated, UnknownAdmin
from engine.ids import AdminId

SESSION_S = 12 * 60 * 60
_COOKIE = "watchword-console"


class Visitor(NamedTuple):
    id: AdminId
    profile: Admin

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def is_operator(self) -> bool:
        return self.profile.is_operator


def session_of(state: EdgeState, request: Request) -> str | None:
    """The token of the session that came with the request."""
    return cookie(request, _name(state, request))


def begun(state: EdgeState, request: Request, token: str) -> Header:
    """A header by which the browser keeps a session."""
    return set_cookie(state, request, _name(state, request), token, path="/", seconds=SESSION_S)


def ended(state: EdgeState, request: Request) -> Header:
    """A header by which it forgets it."""
    return set_cookie(state, request, _name(state, request), "", path="/", seconds=0)


def _name(state: EdgeState, request: Request) -> str:
    """Over TLS no sibling host can set it, nor an earlier plain answer (RFC 6265bis 4.1.3.2)."""
    return f"__Host-{_COOKIE}" if is_secure(state, request) else _COOKIE


async def read_visitor(state: EdgeState, request: Request) -> Visitor:
    """The administrator whose session came with the request.

    Raises:
        Unauthenticated
    """
    token = session_of(state, request)
    if token is None:
        raise Unauthenticated
    admins = state.engine.admins
    admin_id = await admins.authenticate(token)
    try:
        return Visitor(admin_id, await admins.profile(admin_id))
    except UnknownAdmin:
        raise Unauthenticated from None


async def read_operator(state: EdgeState, request: Request) -> Visitor:
    """To others the operator's pages do not exist.

    Raises:
        Unauthenticated, NotFound
    """
    visitor = await read_visitor(state, request)
    if not visitor.is_operator:
        raise NotFound
    return visitor
