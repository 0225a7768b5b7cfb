"""Pages for people, and the files that they are made of."""

from edge.http import Reply, Request
from edge.pages.rendering import ASSETS, page
from edge.state import EdgeState
from engine.ids import TenantId
from engine.tenants import Tenant


async def serve_asset(state: EdgeState, request: Request) -> Reply:
    return ASSETS.reply(request, request.params["name"], request.params.get("version"))


async def show_customer_page(state: EdgeState, request: Request) -> Reply:
    """Raises: UnknownTenant, TenantInactive."""
    tenant = await state.engine.known_tenants.read_active(TenantId(request.params["tenant_id"]))
    return page(request, "customer.html", framed_by=_own_sites(tenant), tenant=tenant)


def _own_sites(tenant: Tenant) -> tuple[str, ...]:
    """Who may show the customer's page in a frame: a tenant that names no sites has none that we know of."""
    return ("'self'",) if tenant.is_open_to_any_origin else ("'self'", *tenant.allowed_origins)
