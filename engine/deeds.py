"""What a change of a tenant's record amounts to, for its audit trail: found by comparing, so none is missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.ids import api_key_id
from engine.recording import Deed, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.tenants import Tenant


def deed(before: Tenant, after: Tenant) -> Deed | None:
    """None = nothing was changed. Of a change that is several things the gravest."""
    if before.state is not after.state:
        return Deed(Kind.TENANT_STATE, after.state)
    if before.api_keys != after.api_keys:
        return _of_keys(before, after)
    if before.clients != after.clients:
        gained = after.clients.keys() - before.clients.keys()
        kind = Kind.CLIENT_CREATE if gained else Kind.CLIENT_REVOKE
        return Deed(kind, _words(gained or before.clients.keys() - after.clients.keys()))
    differing = {name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)}
    return Deed(Kind.TENANT_CONFIG, _words(differing)) if differing else None


def _of_keys(before: Tenant, after: Tenant) -> Deed:
    gained, lost = after.api_keys.keys() - before.api_keys.keys(), before.api_keys.keys() - after.api_keys.keys()
    if not gained and not lost:
        return Deed(Kind.TENANT_CONFIG, "api_keys")
    kind = Kind.KEY_REVOKE if not gained else Kind.KEY_REPLACE if lost else Kind.KEY_ISSUE
    return Deed(kind, _words({api_key_id(digest) for digest in gained or lost}))


def _words(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
