"""Recording: who did what to which. Scripts append it to the audit trails as they do it; engine.audit reads them.

No event holds a pass key, a number, a name or an address: what stands for one is a keyed digest.
"""

from enum import StrEnum
from time import monotonic
from typing import NamedTuple

from engine.ids import AdminId, AgentId, ApiKeyId, ClientId, TenantId
from engine.store import keys
from engine.store.audit import AuditStore, Entry
from engine.store.keys import KeySpace, Place

OPERATOR = "operator"
COURIER = "courier"

_DAY_MS = 24 * 60 * 60 * 1000
_LEAST_KEPT = 100  # events of a trail: Redis lets go of a hundred at a time
_TENDED_AFTER = 100  # events that one process appends to a trail
_TENDED_SECONDS = 600.0
_MOST_TENANTS = 20_000
_ADDRESS_DIGITS = 16


class Kind(StrEnum):
    """What is recorded. A newer edge may record what is not among these."""

    SUBMIT = "submit"
    SUBMIT_AGAIN = "submit-again"
    CONFLICT = "conflict"
    FETCH = "fetch"
    FETCH_AGAIN = "fetch-again"
    SIGN_UP = "sign-up"
    SIGN_IN = "sign-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SIGN_OUT = "sign-out"
    PASSWORD = "password"  # noqa: S105  # that it was replaced
    PROMOTE = "promote"
    DEMOTE = "demote"
    TENANT_CREATE = "tenant-create"
    TENANT_STATE = "tenant-state"
    TENANT_CONFIG = "tenant-config"
    TENANT_DELETE = "tenant-delete"
    KEY_ISSUE = "key-issue"
    KEY_REPLACE = "key-replace"
    KEY_REVOKE = "key-revoke"
    AGENT_CREATE = "agent-create"
    AGENT_PASSWORD = "agent-password"  # noqa: S105  # that it was replaced
    AGENT_DELETE = "agent-delete"
    AGENT_SIGN_IN = "agent-sign-in"
    AGENT_SIGN_IN_REFUSED = "agent-sign-in-refused"
    AGENT_SIGN_OUT = "agent-sign-out"
    CLIENT_CREATE = "client-create"
    CLIENT_REVOKE = "client-revoke"


class Deed(NamedTuple):
    """What somebody does to a tenant. `detail` is one word."""

    kind: str
    detail: str = ""


class Retention(NamedTuple):
    """How long events are kept, and about how many of a tenant at most. 0 days = nothing is recorded."""

    days: int = 90
    events: int = 1_000_000


DEFAULT_RETENTION = Retention()


class _Trails:
    """Those of a tenant's passcodes: how many events this process may append to each until it is tended."""

    __slots__ = ("digest", "left")

    def __init__(self, digest: bytes, partitions: int) -> None:
        self.digest = digest
        self.left = bytearray(partitions)


def by_admin(admin_id: AdminId) -> str:
    return f"admin:{admin_id}"


def by_agent(agent_id: AgentId) -> str:
    return f"agent:{agent_id}"


def by_client(client_id: ClientId) -> str:
    return f"client:{client_id}"


def by_api_key(key_id: ApiKeyId) -> str:
    return f"api-key:{key_id}"


def trail_of_passcodes(space: KeySpace, partition: int, tenant_id: TenantId) -> Place:
    return space.place_in(partition, "audit of passcodes", tenant_id)


def trail_of_tenant(space: KeySpace, tenant_id: TenantId) -> Place:
    """Of what is done to the tenant itself: one, which no number of passcodes can push anything out of."""
    return space.place_in(space.place("tenant", tenant_id).partition, "audit", tenant_id)


def trail_of_admin(space: KeySpace, admin_id: AdminId) -> Place:
    return space.place_in(space.place_of_id(admin_id).partition, "audit", admin_id)


class Recorder:
    """Makes the entries that scripts append. None = nothing is recorded."""

    def __init__(self, store: AuditStore, space: KeySpace, retention: Retention) -> None:
        self._store = store
        self._space = space
        self._kept_ms = retention.days * _DAY_MS
        self._most = max(retention.events // space.partitions, _LEAST_KEPT)
        self._trails: dict[TenantId, _Trails] = {}
        self._index_key = space.index_key
        self._until = 0.0

    def passcode(self, tenant_id: TenantId, subject: Place, actor: str) -> Entry | None:
        """Of what is done to a passcode. One call of the hot path: so trails are tended now and then only."""
        if not self._kept_ms:
            return None
        trails = self._trails.get(tenant_id)
        if trails is None or monotonic() > self._until or self._space.index_key is not self._index_key:
            trails = self._begin(tenant_id)
        left = trails.left[subject.partition]
        trails.left[subject.partition] = left - 1 if left else _TENDED_AFTER
        return Entry(
            keys.audit_beside(subject, trails.digest),
            b"",
            f"{actor} {subject.digest.decode()}",
            0 if left else self._most,
            self._kept_ms,
        )

    def tenant(self, tenant_id: TenantId, actor: str, detail: str = "") -> Entry | None:
        """Of what is done to a tenant."""
        return self._entry(trail_of_tenant(self._space, tenant_id), f"{actor} tenant:{tenant_id} {detail}")

    def admin(self, admin_id: AdminId, actor: str, subject: str) -> Entry | None:
        """Of what an administrator does, or what is done to one."""
        return self._entry(trail_of_admin(self._space, admin_id), f"{actor} {subject}")

    async def sign_in_refused(self, admin_id: AdminId, address: str, *, is_known: bool) -> None:
        """Guessing at e-mail addresses makes no trail of its own: of an unknown one only the journal tells."""
        entry = self.admin(admin_id, self.address(address), by_admin(admin_id))
        if entry is not None:
            partition = self._space.place_of_id(admin_id).partition
            await self._store.note(partition=partition, kind=Kind.SIGN_IN_REFUSED, entry=entry, concerns=is_known)

    async def role_changed(self, admin_id: AdminId, kind: Kind) -> None:
        """Noted once it is done: the script that does it replaces seals, and knows nothing of what is in them."""
        entry = self.admin(admin_id, OPERATOR, by_admin(admin_id))
        if entry is not None:
            partition = self._space.place_of_id(admin_id).partition
            await self._store.note(partition=partition, kind=kind, entry=entry, concerns=True)

    def agent(self, tenant_id: TenantId, actor: str, subject: str) -> Entry | None:
        """Of what an agent does: beside the passcodes, so that many agents push out nothing that is graver."""
        partition = self._space.place("tenant", tenant_id).partition
        trail = trail_of_passcodes(self._space, partition, tenant_id)
        return self._entry(trail, f"{actor} {subject}")

    async def agent_refused(self, tenant_id: TenantId, agent_id: AgentId, address: str) -> None:
        """A refused sign-in, of whoever has such an e-mail address, or nobody."""
        entry = self.agent(tenant_id, self.address(address, tenant_id), by_agent(agent_id))
        if entry is not None:
            partition = self._space.place("tenant", tenant_id).partition
            alone = entry._replace(journal=entry.trail)
            await self._store.note(
                partition=partition, kind=Kind.AGENT_SIGN_IN_REFUSED, entry=alone, concerns=False
            )

    def address(self, address: str, tenant_id: str = "") -> str:
        """What stands for a client address; of each tenant's customers another, so that tenants cannot compare."""
        return f"address:{self._space.digest('audit', tenant_id, address)[:_ADDRESS_DIGITS]}"

    def _entry(self, trail: Place, event: str) -> Entry | None:
        if not self._kept_ms:
            return None
        return Entry(keys.audit(trail), keys.journal(trail), event.rstrip(), self._most, self._kept_ms)

    def _begin(self, tenant_id: TenantId) -> _Trails:
        """All are tended anew after a while, or else a trail that is seldom appended to would end too soon."""
        now = monotonic()
        if now > self._until or self._space.index_key is not self._index_key or len(self._trails) >= _MOST_TENANTS:
            self._trails.clear()
            self._index_key = self._space.index_key
            self._until = now + _TENDED_SECONDS
        digest = trail_of_passcodes(self._space, 0, tenant_id).digest
        trails = self._trails[tenant_id] = _Trails(digest, self._space.partitions)
        return trails
