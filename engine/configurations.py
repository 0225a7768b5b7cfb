"""What a tenant's administrator configures over the API."""

import time

import msgspec

from engine.errors import AlreadyConfigured
from engine.ids import AdminId, TenantId
from engine.policies import PasscodePolicy
from engine.tenants import Configuration, Tenant, Tenants


class Configurations:
    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def create(self, tenant_id: TenantId, *, admin: AdminId, policy: PasscodePolicy) -> Configuration:
        """Raises: UnknownTenant, TenantInactive, AlreadyConfigured."""
        return await self._set(tenant_id, admin, policy, may_replace=False)

    async def replace(self, tenant_id: TenantId, *, admin: AdminId, policy: PasscodePolicy) -> Configuration:
        """Raises: UnknownTenant, TenantInactive."""
        return await self._set(tenant_id, admin, policy, may_replace=True)

    async def _set(
        self, tenant_id: TenantId, admin: AdminId, policy: PasscodePolicy, *, may_replace: bool
    ) -> Configuration:
        await self._tenants.read_owned(tenant_id, admin)
        now = int(time.time())
        configuration = Configuration(policy, admin, now, now)

        def configure(tenant: Tenant) -> Tenant:
            nonlocal configuration
            if tenant.configuration is not None:
                if not may_replace:
                    raise AlreadyConfigured
                configuration = Configuration(policy, admin, tenant.configuration.created_at, now)
            return msgspec.structs.replace(tenant, configuration=configuration)

        await self._tenants.change(tenant_id, configure)
        return configuration
