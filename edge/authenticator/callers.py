"""Who calls the Authenticator surface, and where it is called."""

from edge.authenticator.dialect import SCOPE
from edge.http import Request
from edge.state import EdgeState
from engine.clients import Caller
from engine.errors import Unauthenticated
from engine.tenants import Tenant


async def admitted(state: EdgeState, request: Request) -> Tenant:
    """The tenant whose client calls. See `admit`."""
    return (await admit(state, request)).tenant


async def admit(state: EdgeState, request: Request) -> Caller:
    """Whose client calls. From now on answers say where the client stands, and have full addresses.

    Raises:
        Unauthenticated, TenantInactive, LimitExceeded
        ScopeRefused: the access token is not for this surface.
        OriginRefused: it is a web page that may not use the tenant.
    """
    request.spoken = state.base_url(request)
    token = request.bearer
    if token is None:
        raise Unauthenticated
    caller = await state.engine.clients.admit(token, scope=SCOPE)
    request.limits = caller.limits
    origin = request.header(b"origin")
    if origin is not None:
        caller.tenant.require_origin(origin)
    return caller
