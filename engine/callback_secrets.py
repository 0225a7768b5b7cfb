"""The secrets that a tenant's callbacks are signed with (Standard Webhooks 1.0.0): the newest, and the one before.

Both are in use until the next rotation, so that a receiver changes over when it likes. They are sealed in the
tenant's record.
"""

import secrets
from base64 import b64encode
from contextlib import suppress

import msgspec

from engine.errors import CannotUnseal, UnknownTenant
from engine.ids import TenantId
from engine.sealing import Keyring
from engine.seats import Resealed
from engine.tenants import Tenant, Tenants

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_IN_USE = 2
_BOUND_TO = b"callback secrets"


def new_secret() -> str:
    """As receivers are told it."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class CallbackSecrets:
    def __init__(self, tenants: Tenants, keyring: Keyring) -> None:
        self._tenants = tenants
        self._keyring = keyring

    def of(self, tenant: Tenant) -> tuple[str, ...]:
        """The newest first; none before the first callback address is set."""
        if not tenant.callback_secrets:
            return ()
        content = self._keyring.unseal(tenant.callback_secrets, scope=tenant.id, bound_to=_BOUND_TO)
        return msgspec.json.decode(content, type=tuple[str, ...])

    def with_one(self, tenant: Tenant) -> Tenant:
        """The tenant with a secret, if it has none yet."""
        return tenant if tenant.callback_secrets else self._with_new(tenant)

    async def rotate(self, tenant_id: TenantId) -> str:
        """A new secret, beside which the last one goes on to be good, unless its sealing key is lost.

        Raises:
            UnknownTenant
        """
        return self.of(await self._tenants.change(tenant_id, self._with_new))[0]

    async def reseal(self, tenant_id: TenantId) -> Resealed:
        """Seal a tenant's secrets with the first key.

        Raises:
            CannotUnseal
        """
        try:
            tenant = await self._tenants.read(tenant_id)
            if not tenant.callback_secrets:
                return Resealed.GONE
            if self._keyring.is_current(tenant.callback_secrets):
                return Resealed.CURRENT
            await self._tenants.change(tenant_id, self._resealed)
        except UnknownTenant:
            return Resealed.GONE
        return Resealed.DONE

    def _resealed(self, tenant: Tenant) -> Tenant:
        return self._with(tenant, self.of(tenant)) if tenant.callback_secrets else tenant

    def _with_new(self, tenant: Tenant) -> Tenant:
        kept: tuple[str, ...] = ()
        with suppress(CannotUnseal):
            kept = self.of(tenant)
        return self._with(tenant, (new_secret(), *kept)[:_IN_USE])

    def _with(self, tenant: Tenant, texts: tuple[str, ...]) -> Tenant:
        sealed = self._keyring.seal(msgspec.json.encode(texts), scope=tenant.id, bound_to=_BOUND_TO)
        return msgspec.structs.replace(tenant, callback_secrets=sealed)
