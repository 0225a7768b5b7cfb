"""An administrator's tenants: their list, a new one, its API key."""

from functools import partial

from edge.console import forms
from edge.console.accounts import HOME
from edge.console.forms import Form
from edge.console.views import draw, page, see_other
from edge.console.visitors import Visitor, read_visitor
from edge.http import Reply, Request
from edge.state import EdgeState
from engine.errors import Invalid
from engine.ids import ApiKeyId, TenantId, api_key_id
from engine.tenants import Tenant


async def show_home(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated."""
    visitor = await read_visitor(state, request)
    tenants = await state.engine.tenants.list_own(visitor.id)
    return page(draw(request, "home", visitor, tenants=tenants, form=Form()))


async def create_tenant_at_console(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, OriginRefused, Invalid, TenantNameTaken, LimitExceeded."""
    visitor = await read_visitor(state, request)
    tenants = await state.engine.tenants.list_own(visitor.id)
    given = await forms.NEW_TENANT.read(
        state, request, lambda form: draw(request, "home", visitor, tenants=tenants, form=form)
    )
    await state.engine.admins.charge_new_tenant(visitor.id)
    tenant = await state.engine.tenants.create(name=given.tenant_name, owner=visitor.id)
    return see_other(tenant_path(tenant))


async def show_tenant(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, UnknownTenant."""
    visitor, tenant = await read_own(state, request)
    return page(_tenant_page(request, visitor, tenant, Form()))


async def replace_api_keys(state: EdgeState, request: Request) -> Reply:
    """The new key is in this answer and nowhere else, so it is no redirect. Sent again by a reload, the form finds
    other keys than it was made for, and changes nothing.

    Raises:
        Unauthenticated, UnknownTenant, TenantInactive, OriginRefused, Invalid, KeysChanged
    """
    visitor, tenant = await read_own(state, request)
    given = await forms.KEY_REFRESH.read(state, request, partial(_tenant_page, request, visitor, tenant))
    if given.sure != "yes":
        raise Invalid.value("sure", "unticked")
    seen = frozenset(map(ApiKeyId, given.instead_of.split()))
    api_key = await state.engine.api_keys.refresh(tenant.id, admin=visitor.id, instead_of=seen)
    return page(draw(request, "api_key", visitor, tenant=tenant, api_key=api_key))


async def read_own(state: EdgeState, request: Request) -> tuple[Visitor, Tenant]:
    """Who asks, and the tenant of theirs that it is about.

    Raises:
        Unauthenticated
        UnknownTenant: there is none, or it is somebody else's: one answer.
    """
    visitor = await read_visitor(state, request)
    tenant_id = TenantId(request.params["tenant_id"])
    return visitor, await state.engine.tenants.read_own(tenant_id, visitor.id)


def tenant_path(tenant: Tenant) -> str:
    return f"{HOME}/tenants/{tenant.id}"


def _tenant_page(request: Request, visitor: Visitor, tenant: Tenant, form: Form) -> bytes:
    issued = {api_key_id(digest): key for digest, key in tenant.api_keys.items()}
    return draw(request, "tenant", visitor, tenant=tenant, issued=issued, form=form)
