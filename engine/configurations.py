"""What is configured of a tenant: by its administrator over the API, or by the operator."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from engine.callback_secrets import CallbackSecrets
from engine.errors import AlreadyConfigured, Invalid
from engine.ids import AdminId, TenantId
from engine.policies import Alphabet, ChallengePolicy, Mode, PasscodePolicy
from engine.recording import COURIER, OPERATOR
from engine.tenants import ChallengeSetup, Configuration, Tenant, Tenants
from engine.totp import Digest, TotpPolicy

P = TypeVar("P", PasscodePolicy, ChallengePolicy)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is changed of a tenant, under the names that the policy and the tenant have for it."""

    mode: Mode | UnsetType = UNSET
    alphabet: Alphabet | UnsetType = UNSET
    length: int | UnsetType = UNSET
    expires_s: int | UnsetType = UNSET
    max_fetches: int | UnsetType = UNSET
    country_code: int | UnsetType | None = UNSET
    allowed_origins: tuple[str, ...] | UnsetType = UNSET
    submit_limit: int | UnsetType | None = UNSET
    fetch_limit: int | UnsetType | None = UNSET
    life_s: int | UnsetType = UNSET
    lock_after: int | UnsetType = UNSET
    digest: Digest | UnsetType = UNSET
    digits: int | UnsetType = UNSET
    step_s: int | UnsetType = UNSET
    window: int | UnsetType = UNSET

    def apply(self, tenant: Tenant, *, now: int, admin: AdminId | None = None) -> Tenant:
        """The tenant with these changes, made by an administrator or the operator; what is UNSET stays as it is.

        Raises:
            Invalid: the policy would be out of bounds.
        """
        given: dict[str, Any] = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        if of_policy := _taken(given, PasscodePolicy):
            policy = _within_bounds(msgspec.structs.replace(tenant.policy, **of_policy))
            old = tenant.configuration or Configuration(policy, admin, now, now)
            given["configuration"] = msgspec.structs.replace(old, policy=policy, updated_at=now)
        of_totp, of_challenges = _taken(given, TotpPolicy), _taken(given, ChallengePolicy)
        if of_totp or of_challenges:
            challenge_policy = tenant.challenge_policy
            totp = msgspec.structs.replace(challenge_policy.totp, **of_totp)
            given["challenge_policy"] = _within_bounds(
                msgspec.structs.replace(challenge_policy, totp=totp, **of_challenges)
            )
        return msgspec.structs.replace(tenant, **given)


class Configurations:
    def __init__(self, tenants: Tenants, callback_secrets: CallbackSecrets) -> None:
        self._tenants = tenants
        self._callback_secrets = callback_secrets

    async def create(
        self, tenant_id: TenantId, *, admin: AdminId | None, policy: PasscodePolicy, actor: str | None = None
    ) -> Configuration:
        """`admin` is whom the tenant belongs to, None = the operator; `actor` is who does it on their behalf.

        Raises:
            UnknownTenant, TenantInactive, AlreadyConfigured
        """
        return await self._set(tenant_id, admin, policy, may_replace=False, actor=actor)

    async def replace(
        self, tenant_id: TenantId, *, admin: AdminId | None, policy: PasscodePolicy, actor: str | None = None
    ) -> Configuration:
        """Raises: UnknownTenant, TenantInactive."""
        return await self._set(tenant_id, admin, policy, may_replace=True, actor=actor)

    async def change(self, tenant_id: TenantId, changes: Changes, *, actor: str = OPERATOR) -> Tenant:
        """For the operator: of any tenant, in any state.

        Raises:
            UnknownTenant, Invalid
        """
        now = int(time.time())
        return await self._tenants.change(tenant_id, lambda tenant: changes.apply(tenant, now=now), actor=actor)

    async def change_own(self, tenant_id: TenantId, changes: Changes, *, admin: AdminId) -> Tenant:
        """For the tenant's administrator, whose caller sees to it that no limits are among the changes.

        Raises:
            UnknownTenant, TenantInactive, Invalid
        """
        now = int(time.time())
        return await self._tenants.change_owned(
            tenant_id, admin, lambda tenant: changes.apply(tenant, now=now, admin=admin)
        )

    async def change_challenges(
        self,
        tenant_id: TenantId,
        change: Callable[[ChallengeSetup | None], ChallengeSetup | None],
        *,
        actor: str = OPERATOR,
    ) -> Tenant:
        """Replace what a tenant says of its challenges; None = it has not set them up. A new address is on.

        Raises:
            UnknownTenant, and whatever `change` raises.
        """

        def set_up(tenant: Tenant) -> Tenant:
            setup = change(tenant.challenge_setup)
            changed = msgspec.structs.replace(tenant, challenge_setup=setup)
            return self._callback_secrets.with_one(changed) if changed.callback_url else changed

        return await self._tenants.change(tenant_id, set_up, actor=actor)

    async def stop_callbacks(self, tenant_id: TenantId, url: str) -> None:
        """Tell nothing there any more, until the address is set again.

        Raises:
            UnknownTenant
        """

        def stopped(setup: ChallengeSetup | None) -> ChallengeSetup | None:
            if setup is None or setup.callback_url != url:
                return setup
            return msgspec.structs.replace(setup, is_callback_off=True)

        await self.change_challenges(tenant_id, stopped, actor=COURIER)

    async def _set(
        self,
        tenant_id: TenantId,
        admin: AdminId | None,
        policy: PasscodePolicy,
        *,
        may_replace: bool,
        actor: str | None,
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

        await self._tenants.change_owned(tenant_id, admin, configure, actor=actor)
        return configuration


def _taken(given: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """What is given of the fields of a struct; it is given no more."""
    return {name: given.pop(name) for name in kind.__struct_fields__ if name in given}


def _within_bounds(policy: P) -> P:
    """Raises: Invalid."""
    if problems := policy.problems():
        raise Invalid(problems)
    return policy
