"""The agents' page: they sign in, and fetch passcodes by their session. It is good for nothing else."""

import msgspec

from edge.http import JSON, NO_STORE, Headers, Reply, Request
from edge.limits import rate_limit_headers
from edge.pages import wire
from edge.pages.rendering import page
from edge.pages.sessions import cookie, require_own_page, set_cookie
from edge.state import EdgeState
from engine.agents import SESSION_SECONDS
from engine.errors import Unauthenticated, UnknownAgent
from engine.ids import AgentId, TenantId

_COOKIE = "watchword-agent"
_DATA: Headers = (*JSON, (b"x-content-type-options", b"nosniff"))
_encoder = msgspec.json.Encoder()


async def show_agent_page(state: EdgeState, request: Request) -> Reply:
    """Raises: UnknownTenant, TenantInactive."""
    tenant = await state.engine.known_tenants.read_active(_tenant_id(request))
    return page(request, "agent.html", tenant=tenant)


async def show_agent_session(state: EdgeState, request: Request) -> Reply:
    """Raises: UnknownTenant."""
    await state.engine.known_tenants.read(_tenant_id(request))
    try:
        agent = await state.engine.agents.read(_tenant_id(request), await _agent(state, request))
    except (Unauthenticated, UnknownAgent):
        return Reply(200, _encoder.encode(wire.Session(None)), _DATA)
    return Reply(200, _encoder.encode(wire.Session(wire.Person(agent.name, agent.email))), _DATA)


async def sign_agent_in(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused, and whatever Agents.sign_in raises."""
    require_own_page(state, request)
    body = wire.SIGN_IN.read(await request.json())
    agents, tenant_id = state.engine.agents, _tenant_id(request)
    session = await agents.sign_in(
        tenant_id, email=body.email, password=body.password, address=state.client_addresses.of(request)
    )
    if (earlier := cookie(request, _COOKIE)) is not None:
        await agents.sign_out(tenant_id, earlier)
    kept = set_cookie(state, request, _COOKIE, session.token, path=_path(tenant_id), seconds=SESSION_SECONDS)
    return Reply(204, b"", (NO_STORE, kept))


async def sign_agent_out(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused, UnknownTenant."""
    require_own_page(state, request)
    tenant_id = _tenant_id(request)
    await state.engine.known_tenants.read(tenant_id)
    if (token := cookie(request, _COOKIE)) is not None:
        await state.engine.agents.sign_out(tenant_id, token)
    gone = set_cookie(state, request, _COOKIE, "", path=_path(tenant_id), seconds=0)
    return Reply(204, b"", (NO_STORE, gone))


async def fetch_for_agent(state: EdgeState, request: Request) -> Reply:
    """Raises: OriginRefused, Unauthenticated, and whatever Passcodes.fetch_for_agent raises."""
    require_own_page(state, request)
    agent_id = await _agent(state, request)
    body = wire.LOOK_UP.read(await request.json())
    passcode = await state.engine.passcodes.fetch_for_agent(
        tenant_id=_tenant_id(request),
        agent_id=agent_id,
        pass_key=body.pass_key,
        idempotency_key=request.idempotency_key,
    )
    found = wire.Found(passcode.text, passcode.left_ms)
    return Reply(200, _encoder.encode(found), (*_DATA, *rate_limit_headers(passcode.limits)))


async def _agent(state: EdgeState, request: Request) -> AgentId:
    """Raises: Unauthenticated."""
    token = cookie(request, _COOKIE)
    if token is None:
        raise Unauthenticated
    return await state.engine.agents.authenticate(_tenant_id(request), token)


def _path(tenant_id: TenantId) -> str:
    """What the cookie is sent along with: calls for data, and no page."""
    return f"/agent-api/{tenant_id}"


def _tenant_id(request: Request) -> TenantId:
    return TenantId(request.params["tenant_id"])
