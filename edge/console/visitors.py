"""Who looks at the console: nobody yet, an administrator, an operator."""

from typing import NamedTuple

from edge.cookies import SessionCookie
from edge.errors import NotFound
from edge.http import Request
from edge.state import EdgeState
from engine.admins import Admin
from engine.errors import Unauthenticated, UnknownAdmin
from engine.ids import AdminId

SESSION_S = 12 * 60 * 60
COOKIE = SessionCookie("watchword-console", life_s=SESSION_S)


class Visitor(NamedTuple):
    id: AdminId
    profile: Admin

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def is_operator(self) -> bool:
        return self.profile.is_operator


async def read_visitor(state: EdgeState, request: Request) -> Visitor:
    """The administrator whose session came with the request.

    Raises:
        Unauthenticated
    """
    token = COOKIE.read(state, request)
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
