"""API keys: how a dialer or a CRM proves which tenant it works for.

They live in their tenant's record, so that one read tells whether a key is good, and a revoked key is gone with
the write that revoked it.
"""

import time
import uuid
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import msgspec

from engine.errors import KeysChanged, Unauthenticated, UnknownApiKey, UnknownTenant
from engine.ids import AdminId, ApiKeyId, TenantId, api_key_id, is_tenant_id
from engine.known_keys import KnownKey, Locate, known_key
from engine.known_tenants import KnownTenants
from engine.tenants import ApiKey, Scope, Tenant, Tenants
from engine.tokens import Kind, digest, mint, parse

_FETCH_ONLY = (Scope.FETCH,)


class ApiKeys:
    def __init__(self, tenants: Tenants, known: KnownTenants) -> None:
        self._tenants = tenants
        self._known = known

    async def authenticate(self, text: str) -> KnownKey:
        """Whose API key this is. What it is good for, and from where, is left to ask.

        Raises:
            Unauthenticated: it is malformed, was never issued, or is revoked.
        """
        return self.recognise(text) or await self.look_up(text)

    def recognise(self, text: str) -> KnownKey | None:
        """Whose API key this is, if that is known here."""
        return self._known.by_api_key(digest(text))

    async def look_up(self, text: str) -> KnownKey:
        """Whose API key this is, by Redis.

        Raises:
            Unauthenticated
        """
        key_digest = digest(text)
        if self._known.is_absent(key_digest) or (token := parse(Kind.API_KEY, text)) is None:
            raise Unauthenticated
        try:
            tenant = await self._known.read_again(TenantId(str(uuid.UUID(token.subject))))
        except UnknownTenant:
            raise Unauthenticated from None
        if key_digest not in tenant.api_keys:
            self._known.note_absent(key_digest)
            raise Unauthenticated
        return known_key(tenant, key_digest)

    async def admit(self, text: str, tenant_id: TenantId, *, scope: Scope, locate: Locate) -> KnownKey:
        """A key that is good for this and from here, as Redis has it now.

        Raises:
            Unauthenticated
            UnknownTenant: it is another tenant's.
            TenantInactive
        """
        key = await self.look_up(text)
        key.require(scope, locate)
        if key.tenant.id != tenant_id:
            raise UnknownTenant
        key.tenant.require_active()
        return key

    async def issue(
        self,
        tenant_id: TenantId,
        *,
        name: str,
        scopes: Sequence[Scope] = _FETCH_ONLY,
        networks: Sequence[IPv4Network | IPv6Network] = (),
    ) -> str:
        """A further key beside those there are. Returned once, stored never.

        Raises:
            UnknownTenant
        """
        key = ApiKey(name, int(time.time()), tuple(scopes), tuple(map(str, networks)))
        return await self._mint(tenant_id, key, keep_others=True)

    async def replace_all(self, tenant_id: TenantId, *, name: str) -> str:
        """A new key, and the end of all others with the same write.

        Raises:
            UnknownTenant
        """
        return await self._mint(tenant_id, ApiKey(name, int(time.time())), keep_others=False)

    async def refresh(
        self, tenant_id: TenantId, *, admin: AdminId, instead_of: frozenset[ApiKeyId] | None = None
    ) -> str:
        """As replace_all, for the tenant's administrator. `instead_of` are the keys that they have in mind.

        Raises:
            UnknownTenant, TenantInactive
            KeysChanged: the tenant has other keys than those.
        """
        key = ApiKey("refreshed", int(time.time()))
        return await self._mint(tenant_id, key, keep_others=False, admin=admin, instead_of=instead_of)

    async def revoke(self, tenant_id: TenantId, key_id: ApiKeyId) -> None:
        """Raises: UnknownTenant, UnknownApiKey."""

        def without(tenant: Tenant) -> Tenant:
            left = {known: key for known, key in tenant.api_keys.items() if api_key_id(known) != key_id}
            if len(left) == len(tenant.api_keys):
                raise UnknownApiKey
            return msgspec.structs.replace(tenant, api_keys=left)

        await self._tenants.change(tenant_id, without)

    async def _mint(
        self,
        tenant_id: TenantId,
        key: ApiKey,
        *,
        keep_others: bool,
        admin: AdminId | None = None,
        instead_of: frozenset[ApiKeyId] | None = None,
    ) -> str:
        if not is_tenant_id(tenant_id):
            raise UnknownTenant
        text = mint(Kind.API_KEY, uuid.UUID(tenant_id).hex)
        issued = {digest(text): key}

        def with_key(tenant: Tenant) -> Tenant:
            if instead_of is not None and instead_of != frozenset(map(api_key_id, tenant.api_keys)):
                raise KeysChanged
            others = tenant.api_keys if keep_others else {}
            return msgspec.structs.replace(tenant, api_keys={**others, **issued})

        if admin is None:
            await self._tenants.change(tenant_id, with_key)
        else:
            await self._tenants.change_owned(tenant_id, admin, with_key)
        return text
