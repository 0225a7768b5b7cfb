"""The log-ins of a tenant's agents: who has one, a new one, a new password, the end of one."""

from functools import partial

from edge.console import forms
from edge.console.forms import Form
from edge.console.tenants import read_own, tenant_path
from edge.console.views import draw, page, see_other
from edge.console.visitors import Visitor
from edge.http import Reply, Request
from edge.state import EdgeState
from engine.agents import Listed
from engine.recording import by_admin
from engine.tenants import Tenant


async def show_agents(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, CannotUnseal."""
    visitor, tenant, listed = await _read_agents(state, request)
    return page(_agents_page(request, visitor, tenant, listed, Form()))


async def create_agent(state: EdgeState, request: Request) -> Reply:
    """The password is in this answer and nowhere else.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid, AgentTaken, TooManyAgents, Busy
    """
    visitor, tenant, listed = await _read_agents(state, request)
    given = await forms.NEW_AGENT.read(state, request, partial(_agents_page, request, visitor, tenant, listed))
    tenant.require_active()
    login = await state.engine.agents.create(
        tenant.id, name=given.name, email=given.email, actor=by_admin(visitor.id)
    )
    return _password_page(request, visitor, tenant, given.email, login.password)


async def reset_agent_password(state: EdgeState, request: Request) -> Reply:
    """As for a new agent; all sessions of this one are ended.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid, UnknownAgent, Busy
    """
    visitor, tenant, email = await _read_known(state, request)
    password = await state.engine.agents.reset_password(tenant.id, email=email, actor=by_admin(visitor.id))
    return _password_page(request, visitor, tenant, email, password)


async def delete_agent(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid, UnknownAgent."""
    visitor, tenant, email = await _read_known(state, request)
    await state.engine.agents.delete(tenant.id, email=email, actor=by_admin(visitor.id))
    return see_other(f"{tenant_path(tenant)}/agents")


async def _read_agents(state: EdgeState, request: Request) -> tuple[Visitor, Tenant, list[Listed]]:
    """Raises: Unauthenticated, UnknownTenant, CannotUnseal."""
    visitor, tenant = await read_own(state, request)
    return visitor, tenant, await state.engine.agents.list(tenant.id)


async def _read_known(state: EdgeState, request: Request) -> tuple[Visitor, Tenant, str]:
    """Who asks, for which active tenant, about which of its agents.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid, CannotUnseal
    """
    visitor, tenant, listed = await _read_agents(state, request)
    given = await forms.KNOWN_AGENT.read(state, request, partial(_agents_page, request, visitor, tenant, listed))
    tenant.require_active()
    return visitor, tenant, given.email


def _agents_page(request: Request, visitor: Visitor, tenant: Tenant, listed: list[Listed], form: Form) -> bytes:
    return draw(request, "agents", visitor, tenant=tenant, agents=[one.agent for one in listed], form=form)


def _password_page(request: Request, visitor: Visitor, tenant: Tenant, email: str, password: str) -> Reply:
    body = draw(request, "agent_password", visitor, tenant=tenant, email=email, password=password)
    return page(body)
