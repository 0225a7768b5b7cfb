"""Erasure: a tenant or a user, and all that is kept for them, in steps that are small for Redis."""

from contextlib import suppress
from typing import NamedTuple

from engine.agents import Agents
from engine.audit import Audit
from engine.challenges import Challenges
from engine.deliveries import Deliveries
from engine.errors import CannotUnseal, UnknownFactor, UnknownTenant
from engine.factor_records import Factor
from engine.factors import Factors
from engine.ids import FactorId, TenantId, UserName, is_tenant_id
from engine.tenants import State, Tenants
from engine.usage import Usage

_STEP = 100


class Erased(NamedTuple):
    """What was removed. Passcodes, limits, sessions and tokens are not counted: they end by themselves.

    A tenant's audit trails and usage are removed uncounted. That it was deleted stays in the journal.

    So do events that couriers have not told yet: of a tenant that is gone they tell nobody.
    """

    factors: int = 0
    challenges: int = 0
    dead_letters: int = 0
    agents: int = 0

    def plus(self, other: "Erased") -> "Erased":
        return Erased(*map(sum, zip(self, other, strict=True)))


class Erasure:
    def __init__(
        self,
        tenants: Tenants,
        factors: Factors,
        challenges: Challenges,
        deliveries: Deliveries,
        agents: Agents,
        audit: Audit,
        usage: Usage,
    ) -> None:
        self._tenants = tenants
        self._factors = factors
        self._challenges = challenges
        self._deliveries = deliveries
        self._agents = agents
        self._audit = audit
        self._usage = usage

    async def erase_tenant(self, tenant_id: TenantId) -> Erased:
        """Delete a tenant with everything. Interrupted, it can be done again.

        Raises:
            UnknownTenant
        """
        if not is_tenant_id(tenant_id):
            raise UnknownTenant
        is_known = await self._suspend(tenant_id)
        erased = await self._erase_factors(tenant_id)
        if is_known:
            with suppress(UnknownTenant):  # a link that repeats the call is told so of its own work
                await self._tenants.delete(tenant_id)
            # What was under way when the tenant was suspended may have come in since.
            erased = erased.plus(await self._erase_factors(tenant_id))
        dead_letters, agents = await self._deliveries.forget(tenant_id), await self._agents.forget(tenant_id)
        erased = erased.plus(Erased(dead_letters=dead_letters, agents=agents))
        await self._audit.forget(tenant_id)
        await self._usage.forget(tenant_id)
        if not is_known and erased == Erased():
            raise UnknownTenant
        return erased

    async def erase_user(self, tenant_id: TenantId, user: UserName) -> Erased:
        """Delete what is kept for a user of a tenant.

        Raises:
            UnknownTenant
            UnknownFactor: nothing is.
        """
        await self._tenants.read(tenant_id)
        if lost := await self._factors.lost(tenant_id, user):
            return await self._erase_lost(tenant_id, lost)
        return await self._erase_factor(tenant_id, await self._factors.find(tenant_id, user))

    async def _suspend(self, tenant_id: TenantId) -> bool:
        """False if there is no such tenant: an erasure may have been interrupted after it was deleted."""
        try:
            await self._tenants.set_state(tenant_id, State.SUSPENDED)
        except UnknownTenant:
            return False
        return True

    async def _erase_factors(self, tenant_id: TenantId) -> Erased:
        erased = Erased()
        while listed := (await self._factors.list(tenant_id, first=0, most=_STEP))[1]:
            for factor in listed:
                erased = erased.plus(await self._erase_factor(tenant_id, factor))
        async for left in self._factors.kept(tenant_id, step=_STEP):  # what cannot be opened is in no list
            for factor_id in left:
                erased = erased.plus(await self._erase_left(tenant_id, factor_id))
        return erased

    async def _erase_factor(self, tenant_id: TenantId, factor: Factor) -> Erased:
        challenges = await self._erase_challenges(tenant_id, factor.id)
        return Erased(int(await self._factors.forget(tenant_id, factor)), challenges)

    async def _erase_left(self, tenant_id: TenantId, factor_id: FactorId) -> Erased:
        try:
            return await self._erase_factor(tenant_id, await self._factors.read(tenant_id, factor_id))
        except UnknownFactor:
            return Erased()
        except CannotUnseal:
            return await self._erase_lost(tenant_id, factor_id)

    async def _erase_lost(self, tenant_id: TenantId, factor_id: FactorId) -> Erased:
        """One that cannot be opened. Challenges that cannot be opened either end by themselves, within a day."""
        challenges = await self._erase_challenges(tenant_id, factor_id)
        return Erased(int(await self._factors.forget_lost(tenant_id, factor_id)), challenges)

    async def _erase_challenges(self, tenant_id: TenantId, factor_id: FactorId) -> int:
        """First of all: without their factor nobody would find them."""
        challenges = 0
        while listed := (await self._challenges.list(tenant_id, factor_id, first=0, most=_STEP))[1]:
            for challenge in listed:
                challenges += await self._challenges.forget(tenant_id, factor_id, challenge)
        return challenges
