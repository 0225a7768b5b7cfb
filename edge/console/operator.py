"""The operator's pages: all tenants, their states and limits."""

from functools import partial
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from edge.console import forms
from edge.console.accounts import HOME
from edge.console.forms import Form
from edge.console.views import draw, page, see_other
from edge.console.visitors import Visitor, read_operator
from edge.http import Reply, Request
from edge.state import EdgeState
from edge.wire import Query
from engine.configurations import Changes
from engine.ids import TenantId
from engine.recording import by_admin
from engine.tenants import State, Tenant

_LEAST_ON_A_PAGE = 50


class Place(Struct):
    """Where a page of the list begins, and what is looked for."""

    part: Annotated[int, Meta(ge=0, le=4096)] = 0
    tenant: Annotated[str, Meta(max_length=64)] = ""


class Listed(NamedTuple):
    """A page of the list. `following` is the part that the next one begins with, None at the end."""

    tenants: list[Tenant]
    following: int | None


_PLACE = Query(Place)


async def list_tenants(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, NotFound."""
    visitor = await read_operator(state, request)
    place = _PLACE.read(request.scope["query_string"])
    if place.tenant:
        return see_other(_path(TenantId(place.tenant.strip())))
    return page(draw(request, "operator", visitor, listed=await _list(state, place.part), part=place.part))


async def manage_tenant(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, NotFound, UnknownTenant."""
    visitor, tenant = await _read_any(state, request)
    return page(_managed(request, visitor, tenant, _limits_of(tenant)))


async def set_state(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, NotFound, UnknownTenant, OriginRefused, Invalid."""
    visitor, tenant = await _read_any(state, request)
    given = await forms.STATE_CHANGE.read(state, request, partial(_managed, request, visitor, tenant))
    await state.engine.tenants.set_state(tenant.id, State(given.state), actor=by_admin(visitor.id))
    return see_other(f"{_path(tenant.id)}?saved")


async def set_limits(state: EdgeState, request: Request) -> Reply:
    """Raises: Unauthenticated, NotFound, UnknownTenant, OriginRefused, Invalid."""
    visitor, tenant = await _read_any(state, request)
    given = await forms.LIMITS.read(state, request, partial(_managed, request, visitor, tenant))
    changes = Changes(submit_limit=_per_second(given.submit_limit), fetch_limit=_per_second(given.fetch_limit))
    await state.engine.configurations.change(tenant.id, changes, actor=by_admin(visitor.id))
    return see_other(f"{_path(tenant.id)}?saved")


async def _list(state: EdgeState, part: int) -> Listed:
    """Whole parts, until there is enough for a page."""
    tenants, found = state.engine.tenants, list[Tenant]()
    while part < tenants.parts and len(found) < _LEAST_ON_A_PAGE:
        found += await tenants.part(part)
        part += 1
    return Listed(found, part if part < tenants.parts else None)


async def _read_any(state: EdgeState, request: Request) -> tuple[Visitor, Tenant]:
    """Raises: Unauthenticated, NotFound, UnknownTenant."""
    visitor = await read_operator(state, request)
    return visitor, await state.engine.tenants.read(TenantId(request.params["tenant_id"]))


def _managed(request: Request, visitor: Visitor, tenant: Tenant, form: Form) -> bytes:
    is_saved = request.method == "GET" and request.scope["query_string"] == b"saved"
    return draw(request, "operator_tenant", visitor, tenant=tenant, form=form, is_saved=is_saved)


def _limits_of(tenant: Tenant) -> Form:
    limits = {"submit_limit": tenant.submit_limit, "fetch_limit": tenant.fetch_limit}
    return Form({name: "" if limit is None else limit for name, limit in limits.items()})


def _per_second(text: str) -> int | None:
    return int(text) if text else None


def _path(tenant_id: TenantId) -> str:
    return f"{HOME}/operator/tenants/{tenant_id}"
