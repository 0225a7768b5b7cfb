"""The secrets that a tenant's callbacks are signed with (Standard Webhooks 1.0.0): the newest, and the one before.

Both are in use until the next rotation, so that a receiver changes over when it likes. They are sealed in the
tenant's record.
"""

import secrets
from base64 import b64encode

import msgspec

from engine.ids import TenantId
from engine.sealing import Keyring
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
        """A new secret, beside which the last one goes on to be good.

        Raises:
            UnknownTenant
        """
        return self.of(await self._tenants.change(tenant_id, self._with_new))[0]

    def _with_new(self, tenant: Tenant) -> Tenant:
        content = msgspec.json.encode((new_secret(), *self.of(tenant))[:_IN_USE])
        sealed = self._keyring.seal(content, scope=tenant.id, bound_to=_BOUND_TO)
        return msgspec.structs.replace(tenant, callback_secrets=sealed)
