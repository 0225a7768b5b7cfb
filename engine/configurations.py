"""What is configured of a tenant: by its administrator over the API, or by the operator."""

import time
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from engine.errors import AlreadyConfigured, Invalid
from engine.ids import AdminId, TenantId
from engine.policies import Alphabet, Mode, PasscodePolicy
from engine.tenants import Configuration, Tenant, Tenants


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator changes of a tenant, under the names that the policy and the tenant have for it."""

    mode: Mode | UnsetType = UNSET
    alphabet: Alphabet | UnsetType = UNSET
    length: int | UnsetType = UNSET
    expires_s: int | UnsetType = UNSET
    max_fetches: int | UnsetType = UNSET
    country_code: int | UnsetType | None = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    submit_limit: int | UnsetType | None = UNSET
    fetch_limit: int | UnsetType | None = UNSET

    def apply(self, tenant: Tenant, *, now: int) -> Tenant:
        """The tenant with these changes; what is UNSET stays as it is.

        Raises:
            Invalid: the policy would be out of bounds.
        """
        given: dict[str, Any] = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        of_policy = {name: given.pop(name) for name in PasscodePolicy.__struct_fields__ if name in given}
        if of_policy:
            policy = msgspec.structs.replace(tenant.policy, **of_policy)
            if problems := policy.problems():
                raise Invalid(problems)
            old = tenant.configuration or Configuration(policy, None, now, now)
            given["configuration"] = msgspec.structs.replace(old, policy=policy, updated_at=now)
        return msgspec.structs.replace(tenant, **given)


class Configurations:
    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def create(self, tenant_id: TenantId, *, admin: AdminId, policy: PasscodePolicy) -> Configuration:
        """Raises: UnknownTenant, TenantInactive, AlreadyConfigured."""
        return await self._set(tenant_id, admin, policy, may_replace=False)

    async def replace(self, tenant_id: TenantId, *, admin: AdminId, policy: PasscodePolicy) -> Configuration:
        """Raises: UnknownTenant, TenantInactive."""
        return await self._set(tenant_id, admin, policy, may_replace=True)

    async def change(self, tenant_id: TenantId, changes: Changes) -> Tenant:
        """For the operator: of any tenant, in any state.

        Raises:
            UnknownTenant, Invalid
        """
        now = int(time.time())
        return await self._tenants.change(tenant_id, lambda tenant: changes.apply(tenant, now=now))

    async def _set(
        self, tenant_id: TenantId, admin: AdminId, policy: PasscodePolicy, *, may_replace: bool
    ) -> Configuration:
        now = int(time.time())
        configuration = Configuration(policy, admin, now, now)

        def configure(tenant: Tenant) -> Tenant:
            nonlocal configuration
            if tenant.configuration is not None:
                if not may_replace:
                    raise AlreadyConfigured
                configuration = Configuration(policy, admin, tenant.configuration.created_at, now)
            return msgspec.structs.replace(tenant, configuration=configuration)

        await self._tenants.change_owned(tenant_id, admin, configure)
        return configuration
