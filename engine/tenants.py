"""Tenants: the companies whose customers get passcodes."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from enum import StrEnum

import msgspec

from engine.deeds import deed
from engine.errors import ChallengesNotSetUp, OriginRefused, TenantInactive, TenantNameTaken, UnknownTenant
from engine.ids import AdminId, ClientId, TenantId, is_tenant_id
from engine.policies import ChallengePolicy, PasscodePolicy
from engine.recording import OPERATOR, Recorder, by_admin
from engine.store.claims import ClaimStore, TakeStatus
from engine.store.keys import KeySpace, Place
from engine.store.tenants import DeleteStatus, ReadStatus, ReplaceStatus, TenantStore

_CLAIM_LAPSE_MS = 60_000
ANY_ORIGIN = "*"


class State(StrEnum):
    INACTIVE = "inactive"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Scope(StrEnum):
    """What an API key is good for."""

    FETCH = "fetch"  # passcodes
    MANAGE = "manage"  # the configuration of passcodes


class ApiKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """`networks` are those that it may be used from; none = any.

    Keys of before there were scopes can do what they always could, and so can keys that name none.
    """

    name: str
    created_at: int
    scopes: tuple[Scope, ...] = (Scope.FETCH,)
    networks: tuple[str, ...] = ()


class OAuthClient(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    secret_digest: str
    scopes: tuple[str, ...]
    created_at: int


class Configuration(msgspec.Struct, frozen=True, omit_defaults=True):
    """A passcode policy that somebody set, and when. Times are seconds since the epoch."""

    policy: PasscodePolicy
    created_by: AdminId | None
    created_at: int
    updated_at: int


class ChallengeSetup(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tenant says of its challenges: who asks, where their ends are told, what a user reads.

    `is_callback_off` = a receiver answered that it is gone; nothing is told there until the address is set again.
    """

    issuer: str | None = None
    callback_url: str | None = None
    message: str | None = None
    is_callback_off: bool = False


class Tenant(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that is known of a tenant, in one record. Limits are per second; None = the deployment's.

    `callback_secrets` is sealed: see engine.callback_secrets.
    """

    id: TenantId
    name: str
    created_at: int
    owner: AdminId | None = None
    state: State = State.INACTIVE
    configuration: Configuration | None = None
    max_fetches: int = 1
    country_code: int | None = None
    allowed_origins: tuple[str, ...] = (ANY_ORIGIN,)
    submit_limit: int | None = None
    fetch_limit: int | None = None
    api_keys: dict[str, ApiKey] = msgspec.field(default_factory=dict[str, ApiKey])  # by digest
    clients: dict[ClientId, OAuthClient] = msgspec.field(default_factory=dict[ClientId, OAuthClient])
    challenge_setup: ChallengeSetup | None = None
    challenge_policy: ChallengePolicy = ChallengePolicy()
    callback_secrets: bytes = b""

    @property
    def policy(self) -> PasscodePolicy:
        return self.configuration.policy if self.configuration is not None else PasscodePolicy()

    @property
    def account_id(self) -> str:
        """Of the administrator, as a UUID; of a tenant that the operator has made, its own."""
        return self.id if self.owner is None else str(uuid.UUID(hex=self.owner))

    @property
    def callback_url(self) -> str | None:
        """Where ends of challenges are to be told."""
        setup = self.challenge_setup
        return None if setup is None or setup.is_callback_off else setup.callback_url

    @property
    def is_open_to_any_origin(self) -> bool:
        return ANY_ORIGIN in self.allowed_origins

    def require_active(self) -> None:
        """Raises: TenantInactive."""
        if self.state is not State.ACTIVE:
            raise TenantInactive

    def require_challenge_setup(self) -> ChallengeSetup:
        """Raises: ChallengesNotSetUp."""
        if self.challenge_setup is None:
            raise ChallengesNotSetUp
        return self.challenge_setup

    def allows_origin(self, origin: str) -> bool:
        """Whether web pages of this origin may use the tenant."""
        return self.is_open_to_any_origin or origin in self.allowed_origins

    def require_origin(self, origin: str) -> None:
        """Raises: OriginRefused."""
        if not self.allows_origin(origin):
            raise OriginRefused


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Tenant)


class Tenants:
    def __init__(self, store: TenantStore, claims: ClaimStore, space: KeySpace, recorder: Recorder) -> None:
        self._store = store
        self._claims = claims
        self._space = space
        self._recorder = recorder

    async def create(self, *, name: str, owner: AdminId | None = None, state: State = State.INACTIVE) -> Tenant:
        """Create a tenant under a name that no other has.

        The name is claimed first and kept last, since the two may be in different partitions: a crash in
        between leaves a claim that lapses. Its owner's list has it first, too: what is listed and is not there is
        passed over.

        Raises:
            TenantNameTaken
        """
        tenant = Tenant(TenantId(str(uuid.uuid4())), name, int(time.time()), owner, state)
        claim = self._name(name)
        taken = await self._claims.take(name=claim, owner=tenant.id, lapse_ms=_CLAIM_LAPSE_MS)
        if taken.status is not TakeStatus.TAKEN:
            raise TenantNameTaken
        actor = OPERATOR if owner is None else by_admin(owner)
        if owner is not None:
            await self._store.own(admin=self._space.place_of_id(owner), tenant_id=tenant.id)
        await self._store.create(
            tenant=self._place(tenant.id),
            tenant_id=tenant.id,
            record=_encoder.encode(tenant),
            entry=self._recorder.tenant(tenant.id, actor, state),
        )
        await self._claims.keep(name=claim, owner=tenant.id)
        return tenant

    async def read(self, tenant_id: TenantId) -> Tenant:
        """Raises: UnknownTenant."""
        return _decoder.decode((await self._read_record(tenant_id))[1])

    async def read_active(self, tenant_id: TenantId) -> Tenant:
        """Raises: UnknownTenant, TenantInactive."""
        tenant = await self.read(tenant_id)
        tenant.require_active()
        return tenant

    async def read_owned(self, tenant_id: TenantId, admin: AdminId) -> Tenant:
        """An active tenant as its administrator sees it.

        Raises:
            UnknownTenant: there is none, or it is somebody else's: one answer.
            TenantInactive
        """
        tenant = await self.read_own(tenant_id, admin)
        tenant.require_active()
        return tenant

    async def read_own(self, tenant_id: TenantId, admin: AdminId) -> Tenant:
        """A tenant, in any state, as its administrator sees it.

        Raises:
            UnknownTenant: there is none, or it is somebody else's: one answer.
        """
        tenant = await self.read(tenant_id)
        _require_own(tenant, admin)
        return tenant

    async def change(
        self, tenant_id: TenantId, change: Callable[[Tenant], Tenant], *, actor: str = OPERATOR
    ) -> Tenant:
        """Replace a tenant's record by what `change` makes of it; it is called again if somebody was faster.

        The audit trail tells that `actor` did it.

        Raises:
            UnknownTenant, and whatever `change` raises.
        """
        while True:
            version, record = await self._read_record(tenant_id)
            tenant = _decoder.decode(record)
            changed = change(tenant)
            done = deed(tenant, changed)
            reply = await self._store.replace(
                tenant=self._place(tenant_id),
                version=version,
                record=_rewritten(record, tenant, changed),
                kind=done.kind if done else "",
                entry=self._recorder.tenant(tenant_id, actor, done.detail) if done else None,
            )
            if reply.status is ReplaceStatus.REPLACED:
                return changed

    async def change_owned(
        self,
        tenant_id: TenantId,
        admin: AdminId | None,
        change: Callable[[Tenant], Tenant],
        *,
        actor: str | None = None,
    ) -> Tenant:
        """As `change`, for the administrator of an active tenant, or for `actor` on their behalf.

        Raises:
            UnknownTenant: there is none, or it is somebody else's: one answer.
            TenantInactive, and whatever `change` raises.
        """

        def change_own(tenant: Tenant) -> Tenant:
            _require_own(tenant, admin)
            tenant.require_active()
            return change(tenant)

        actor = actor or (OPERATOR if admin is None else by_admin(admin))
        return await self.change(tenant_id, change_own, actor=actor)

    async def set_state(self, tenant_id: TenantId, state: State, *, actor: str = OPERATOR) -> Tenant:
        """Raises: UnknownTenant."""
        return await self.change(
            tenant_id, lambda tenant: msgspec.structs.replace(tenant, state=state), actor=actor
        )

    async def delete(self, tenant_id: TenantId) -> None:
        """Forget a tenant; its live passcodes can no longer be reached and expire by themselves.

        Raises:
            UnknownTenant
        """
        tenant = await self.read(tenant_id)
        entry = self._recorder.tenant(tenant_id, OPERATOR)
        reply = await self._store.delete(tenant=self._place(tenant_id), tenant_id=tenant_id, entry=entry)
        # Whoever deleted it: a link that repeats the call is told UNKNOWN of its own work. Only ours is released.
        await self._claims.release(name=self._name(tenant.name), value=tenant_id)
        if tenant.owner is not None:
            await self._store.disown(admin=self._space.place_of_id(tenant.owner), tenant_id=tenant_id)
        if reply.status is DeleteStatus.UNKNOWN:
            raise UnknownTenant

    async def list(self) -> AsyncIterator[Tenant]:
        """Every tenant, partition by partition; one that is deleted meanwhile is left out."""
        for number in range(self._space.partitions):
            listed = await self._store.list(partition=self._space.partition(number))
            for tenant_id in listed.ids.decode().split():
                with suppress(UnknownTenant):
                    yield await self.read(TenantId(tenant_id))

    @property
    def parts(self) -> int:
        """How many parts the list of all tenants has."""
        return self._space.partitions

    async def part(self, number: int) -> tuple[Tenant, ...]:
        """The tenants of one partition."""
        listed = await self._store.list(partition=self._space.partition(number))
        return await self._those_there_are(listed.ids)

    async def list_own(self, admin: AdminId) -> tuple[Tenant, ...]:
        """The tenants of an administrator, in any state."""
        listed = await self._store.owned(admin=self._space.place_of_id(admin))
        return tuple(tenant for tenant in await self._those_there_are(listed.ids) if tenant.owner == admin)

    async def _those_there_are(self, ids: bytes) -> tuple[Tenant, ...]:
        """Of ids that are separated by blanks; the oldest tenant first."""
        found = await asyncio.gather(*[self._read_if_there(TenantId(one)) for one in ids.decode().split()])
        there = [tenant for tenant in found if tenant is not None]
        return tuple(sorted(there, key=lambda tenant: (tenant.created_at, tenant.id)))

    async def _read_if_there(self, tenant_id: TenantId) -> Tenant | None:
        with suppress(UnknownTenant):
            return await self.read(tenant_id)
        return None

    async def _read_record(self, tenant_id: TenantId) -> tuple[int, bytes]:
        """Raises: UnknownTenant."""
        if not is_tenant_id(tenant_id):
            raise UnknownTenant
        found = await self._store.read(tenant=self._place(tenant_id))
        if found.status is not ReadStatus.FOUND:
            raise UnknownTenant
        return found.version, found.record

    def _place(self, tenant_id: TenantId) -> Place:
        return self._space.place("tenant", tenant_id)

    def _name(self, name: str) -> Place:
        return self._space.place("tenant name", " ".join(name.split()).casefold())


def _rewritten(record: bytes, tenant: Tenant, changed: Tenant) -> bytes:
    """A changed tenant. What was not changed stays as it is written: a newer edge may have written of it what this
    one cannot read."""
    differing = {name for name in Tenant.__struct_fields__ if getattr(tenant, name) != getattr(changed, name)}
    written = msgspec.json.decode(record, type=dict[str, msgspec.Raw])
    kept = {name: value for name, value in written.items() if name not in differing}
    return _encoder.encode(msgspec.json.decode(_encoder.encode(changed), type=dict[str, msgspec.Raw]) | kept)


def _require_own(tenant: Tenant, admin: AdminId | None) -> None:
    """Raises: UnknownTenant."""
    if tenant.owner != admin:
        raise UnknownTenant
