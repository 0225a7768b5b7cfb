"""Passcodes: the customer submits a pass key and gets one, the agent fetches it by the same key, once."""

from typing import NamedTuple

from engine.api_keys import ApiKeys
from engine.errors import (
    IdempotencyMismatch,
    LimitExceeded,
    LimitState,
    PasscodeGone,
    PassKeyTaken,
    UnknownTenant,
)
from engine.ids import AgentId, PassKey, TenantId
from engine.known_keys import Locate, nowhere
from engine.known_tenants import KnownTenants
from engine.limits import Limits
from engine.outcomes import once_changed
from engine.pass_keys import normalise
from engine.rates import DefaultRates, Rate, per_second
from engine.sealing import Keyring
from engine.store.idempotency import IdempotencyStore, RequestStatus
from engine.store.keys import KeySpace, Place
from engine.store.passcodes import FetchStatus, PasscodeStore, SubmitStatus
from engine.tenants import Scope, State, Tenant


class Passcode(NamedTuple):
    """A passcode in the clear, and where the caller stands with the limits that were charged for it.

    `left_ms` is how long the customer goes on to see it; -1 where nobody asked.
    """

    text: str
    limits: tuple[LimitState, ...]
    left_ms: int = -1


class Passcodes:
    def __init__(
        self,
        store: PasscodeStore,
        space: KeySpace,
        *,
        tenants: KnownTenants,
        api_keys: ApiKeys,
        keyring: Keyring,
        limits: Limits,
        rates: DefaultRates,
        idempotency: IdempotencyStore,
    ) -> None:
        self._store = store
        self._space = space
        self._tenants = tenants
        self._api_keys = api_keys
        self._keyring = keyring
        self._limits = limits
        self._rates = rates
        self._idempotency = idempotency

    async def submit(
        self,
        *,
        tenant_id: TenantId,
        pass_key: str,
        pass_phrase: str | None,
        address: str,
        idempotency_key: str | None,
    ) -> Passcode:
        """Store a passcode under a pass key that is free, for as long as the tenant's policy says.

        With an idempotency key, the same submit again gets the same passcode for that long.

        Raises:
            UnknownTenant, TenantInactive
            Invalid: the pass key, or the passcode that the customer chose.
            LimitExceeded: of this client address, or of this pass key.
            IdempotencyMismatch: the idempotency key came with another submit before.
            PassKeyTaken: a passcode is alive under this pass key.
        """
        tenant = await self._tenants.read_active(tenant_id)
        policy = tenant.policy
        key = normalise(pass_key, country_code=tenant.country_code)
        text = policy.passcode(pass_phrase)
        per_address = _rate(tenant.submit_limit, self._rates.submit_per_address)
        per_key = _rate(tenant.submit_limit, self._rates.submit_per_key)
        limit = ("address", per_address, tenant.id, address)
        charged = self._limits.take(*limit) or await self._limits.charge(*limit)
        ttl_ms = policy.expires_s * 1000
        if idempotency_key is not None:
            await self._match_request(tenant, key, pass_phrase, idempotency_key, ttl_ms)
        bound_to = _bound_to(tenant, key)
        reply = await self._store.submit(
            subject=self._place(tenant, key),
            sealed=self._keyring.seal(text.encode(), scope=tenant.id, bound_to=bound_to),
            ttl_ms=ttl_ms,
            fetches=tenant.max_fetches,
            request=self._request(tenant, "submit", idempotency_key),
            quota=per_key.quota,
            window_us=per_key.window_us,
        )
        if not self._tenants.is_current(tenant):
            await once_changed(self._tenants.read_active(tenant_id))
        if per_key.quota:
            self._limits.count("pass-key", refused=reply.status is SubmitStatus.EXCEEDED)
            state = LimitState("pass-key", per_key.quota, per_key.window_s, reply.remaining, reply.reset_ms)
            charged = (*charged, state)
            if reply.status is SubmitStatus.EXCEEDED:
                raise LimitExceeded(state, reply.retry_after_ms)
        if reply.status is SubmitStatus.TAKEN:
            raise PassKeyTaken
        if reply.status is SubmitStatus.REPLAYED:
            text = self._keyring.unseal(reply.sealed, scope=tenant.id, bound_to=bound_to).decode()
        return Passcode(text, charged)

    async def fetch(
        self,
        *,
        tenant_id: TenantId,
        api_key: str,
        pass_key: str,
        idempotency_key: str | None,
        locate: Locate = nowhere,
    ) -> Passcode:
        """Hand a passcode to the agent and use up one of its fetches.

        With an idempotency key, the same fetch again gets the same passcode until it expires.

        Raises:
            Unauthenticated: the API key is not, or no longer, good; or not for this, or not from there.
            UnknownTenant: it is another tenant's.
            TenantInactive
            Invalid: the pass key.
            LimitExceeded: of this API key.
            PasscodeGone: unknown, expired or used up.
            KeyMissing: it cannot be opened here; it is not used up.
        """
        # What is known here is taken without waiting: a coroutine for each would cost a fiftieth of the whole.
        known = self._api_keys.recognise(api_key) or await self._api_keys.look_up(api_key)
        if not known.fetches_from_anywhere:
            known.require(Scope.FETCH, locate)
        tenant = known.tenant
        if tenant.id != tenant_id:
            raise UnknownTenant
        if tenant.state is not State.ACTIVE:
            await self._tenants.read_active(tenant_id)
        key = normalise(pass_key, country_code=tenant.country_code)
        rate = _rate(tenant.fetch_limit, self._rates.fetch_per_api_key)
        limit = ("api-key", rate, tenant.id, known.id)
        charged = self._limits.take(*limit) or await self._limits.charge(*limit)
        reply = await self._store.fetch(
            subject=self._place(tenant, key),
            request=self._request(tenant, "fetch", idempotency_key),
            ids=self._keyring.opens,
        )
        if not self._tenants.is_current(tenant):  # written while we asked: is the key still good?
            known = await once_changed(self._api_keys.authenticate(api_key))
            known.require(Scope.FETCH, locate)
            known.tenant.require_active()
        if reply.status is FetchStatus.GONE:
            raise PasscodeGone
        text = self._keyring.unseal(reply.sealed, scope=tenant.id, bound_to=_bound_to(tenant, key))
        return Passcode(text.decode(), charged)

    async def fetch_for_agent(
        self, *, tenant_id: TenantId, agent_id: AgentId, pass_key: str, idempotency_key: str | None
    ) -> Passcode:
        """As fetch, for an agent who is signed in; and tell how long the passcode lives.

        Raises:
            UnknownTenant, TenantInactive
            Invalid: the pass key.
            LimitExceeded: of this agent.
            PasscodeGone: unknown, expired or used up.
            KeyMissing: it cannot be opened here; it is not used up.
        """
        tenant = await self._tenants.read_active(tenant_id)
        key = normalise(pass_key, country_code=tenant.country_code)
        limit = ("agent", self._rates.fetch_per_agent, tenant.id, agent_id)
        charged = self._limits.take(*limit) or await self._limits.charge(*limit)
        reply = await self._store.fetch(
            subject=self._place(tenant, key),
            request=self._request(tenant, f"fetch by {agent_id}", idempotency_key),
            ids=self._keyring.opens,
            is_timed=True,
        )
        if not self._tenants.is_current(tenant):
            await once_changed(self._tenants.read_active(tenant_id))
        if reply.status is FetchStatus.GONE:
            raise PasscodeGone
        text = self._keyring.unseal(reply.sealed, scope=tenant.id, bound_to=_bound_to(tenant, key))
        return Passcode(text.decode(), charged, reply.left_ms)

    async def _match_request(
        self, tenant: Tenant, key: PassKey, pass_phrase: str | None, idempotency_key: str, ttl_ms: int
    ) -> None:
        """Raises: IdempotencyMismatch."""
        reply = await self._idempotency.claim(
            request=self._space.place("submit request", tenant.id, idempotency_key),
            fingerprint=self._space.digest("submit", tenant.id, key, pass_phrase or ""),
            ttl_ms=ttl_ms,
        )
        if reply.status is RequestStatus.MISMATCH:
            raise IdempotencyMismatch

    def _request(self, tenant: Tenant, operation: str, idempotency_key: str | None) -> str | None:
        if idempotency_key is None:
            return None
        return self._space.digest("request", tenant.id, operation, idempotency_key)

    def _place(self, tenant: Tenant, key: PassKey) -> Place:
        return self._space.place("passcode", tenant.id, key)


def _bound_to(tenant: Tenant, key: PassKey) -> bytes:
    """A sealed passcode opens for its own tenant and pass key only, wherever it was copied to."""
    return f"{tenant.id}\0{key}".encode()


def _rate(own: int | None, default: Rate) -> Rate:
    return default if own is None else per_second(own)
