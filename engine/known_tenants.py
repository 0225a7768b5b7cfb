"""Tenants as this process knows them, so that the hot path asks Redis for nothing but the passcode.

Redis pushes the name of a tenant record that was read here once it is written (client tracking), on the very
connection that carries the calls and ahead of the answers it gives after it. So whoever acts on a tenant known
here, asks Redis something, and looks again with `is_current`, has acted on what was true when Redis answered.
"""

import time
from dataclasses import dataclass

from engine.errors import UnknownTenant
from engine.ids import TenantId, is_tenant_id
from engine.known_keys import KnownKey, known_key
from engine.store import keys
from engine.store.keys import KeySpace
from engine.store.opening import AnyLink
from engine.tenants import State, Tenant, Tenants

_MOST_TENANTS = 20_000
_MOST_ABSENT = 10_000
_ABSENT_SECONDS = 1.0


@dataclass(slots=True)
class KnownTenantsStats:
    """Counts since the start, for the metrics. A miss need not be a read: absence is remembered too."""

    hits: int = 0
    misses: int = 0
    reads: int = 0
    invalidations: int = 0
    flushes: int = 0


class KnownTenants:
    """A bounded view of the tenants. It is emptied when the link drops, since changes may have been missed."""

    def __init__(self, tenants: Tenants, space: KeySpace, link: AnyLink) -> None:
        self.stats = KnownTenantsStats()
        self._tenants = tenants
        self._space = space
        self._by_id: dict[TenantId, Tenant] = {}
        self._by_api_key: dict[str, KnownKey] = {}
        self._key_names: dict[TenantId, bytes] = {}
        self._ids: dict[bytes, TenantId] = {}  # the other way round
        self._reading: dict[bytes, object] = {}
        self._absent_until: dict[str, float] = {}
        link.on_invalidated(self._on_invalidated)

    def __len__(self) -> int:
        return len(self._by_id)

    def by_api_key(self, key_digest: str) -> KnownKey | None:
        """The API key and its tenant, if they are known here."""
        key = self._by_api_key.get(key_digest)
        if key is None:
            self.stats.misses += 1
        else:
            self.stats.hits += 1
        return key

    def is_current(self, tenant: Tenant) -> bool:
        """Whether nothing was written to the tenant since it was read, as far as Redis has told."""
        return self._by_id.get(tenant.id) is tenant

    async def read(self, tenant_id: TenantId) -> Tenant:
        """Raises: UnknownTenant."""
        tenant = self._by_id.get(tenant_id)
        if tenant is None:
            self.stats.misses += 1
            return await self.read_again(tenant_id)
        self.stats.hits += 1
        return tenant

    async def read_active(self, tenant_id: TenantId) -> Tenant:
        """An active tenant. Before one is refused, Redis is asked: it may have been activated just now.

        Raises:
            UnknownTenant, TenantInactive
        """
        tenant = await self.read(tenant_id)
        if tenant.state is not State.ACTIVE:
            tenant = await self.read_again(tenant_id)
            tenant.require_active()
        return tenant

    async def read_again(self, tenant_id: TenantId) -> Tenant:
        """Read from Redis, and know it from now on. That there is none is remembered for a second.

        Raises:
            UnknownTenant
        """
        if not is_tenant_id(tenant_id) or self.is_absent(tenant_id):
            raise UnknownTenant
        key = keys.tenant(self._space.place("tenant", tenant_id))
        reading = self._reading.setdefault(key, object())  # readers at once share a mark
        self.stats.reads += 1
        try:
            tenant = await self._tenants.read(tenant_id)
        except UnknownTenant:
            self.note_absent(tenant_id)
            raise
        finally:
            # A write in the meantime has taken our mark away: then what was read is already old.
            undisturbed = self._reading.get(key) is reading
            if undisturbed:
                del self._reading[key]
        if undisturbed:
            self._keep(key, tenant)
        return tenant

    def is_absent(self, name: str) -> bool:
        """Whether a tenant id or an API key's digest was found to be nobody's within the last second."""
        return self._absent_until.get(name, 0.0) > time.monotonic()

    def note_absent(self, name: str) -> None:
        if len(self._absent_until) >= _MOST_ABSENT:
            self._absent_until.clear()
        self._absent_until[name] = time.monotonic() + _ABSENT_SECONDS

    def _keep(self, key: bytes, tenant: Tenant) -> None:
        self._drop(tenant.id)
        if len(self._by_id) >= _MOST_TENANTS:
            self._drop(next(iter(self._by_id)))
        self._ids[key] = tenant.id
        self._key_names[tenant.id] = key
        self._by_id[tenant.id] = tenant
        self._by_api_key.update({digest: known_key(tenant, digest) for digest in tenant.api_keys})

    def _drop(self, tenant_id: TenantId) -> None:
        tenant = self._by_id.pop(tenant_id, None)
        if tenant is None:
            return
        del self._ids[self._key_names.pop(tenant_id)]
        for key_digest in tenant.api_keys:
            self._by_api_key.pop(key_digest, None)

    def _on_invalidated(self, written: list[bytes] | None) -> None:
        self._absent_until.clear()
        if written is None:
            self._reading.clear()
            self.stats.flushes += 1
            for tenant_id in list(self._by_id):
                self._drop(tenant_id)
            return
        for key in written:
            self._reading.pop(key, None)
            if key in self._ids:
                self.stats.invalidations += 1
                self._drop(self._ids[key])
