"""Resealing: all that is sealed for good, counted by key, and moved to the first key some at a time.

How far it is, is not kept anywhere: what is sealed with the first key is passed by, so an interrupted run is just
done again, and several at once only share the work. What is sealed for a while is left alone: it ends by itself.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import NamedTuple, TypeAlias

from engine.admins import Admins
from engine.agents import Agents
from engine.callback_secrets import CallbackSecrets
from engine.deployment_secrets import DeploymentSecrets
from engine.errors import CannotUnseal
from engine.factors import Factors
from engine.sealing import key_id_of
from engine.seats import Resealed, Seat, Seats
from engine.store.keys import KeySpace
from engine.tenants import Tenant, Tenants
from engine.turns import Turns

LONGEST_TEMPORARY_MS = 24 * 3600 * 1000
"""How long what is not sealed for good may live: passcodes and their receipts, challenges, pending factors."""

_STEP = 100

_logger = logging.getLogger(__name__)


class Kind(StrEnum):
    """What is sealed for good."""

    DEPLOYMENT = "deployment"  # the key of digests in key names, and the key that callbacks are signed with
    ADMINS = "admins"
    TENANTS = "tenants"  # the secrets of their callbacks
    FACTORS = "factors"
    AGENTS = "agents"


class _Value(NamedTuple):
    kind: Kind
    read: Callable[[], Awaitable[bytes | None]]
    reseal: Callable[[], Awaitable[Resealed]]


_Step: TypeAlias = list[_Value]


@dataclass
class Tally:
    """What became of values, so far. `lost` counts by kind what no key here opens."""

    done: Counter[Kind] = field(default_factory=Counter[Kind])
    current: Counter[Kind] = field(default_factory=Counter[Kind])
    lost: Counter[Kind] = field(default_factory=Counter[Kind])
    is_complete: bool = False


class Resealing:
    def __init__(
        self,
        seats: Seats,
        space: KeySpace,
        *,
        deployment: DeploymentSecrets,
        admins: Admins,
        tenants: Tenants,
        agents: Agents,
        callbacks: CallbackSecrets,
        factors: Factors,
    ) -> None:
        self._seats = seats
        self._space = space
        self._deployment = deployment
        self._admins = admins
        self._tenants = tenants
        self._agents = agents
        self._callbacks = callbacks
        self._factors = factors
        self._turns = Turns()

    async def count(self) -> dict[str, Counter[Kind]]:
        """How many values are sealed for good, by the id of their key. What is no seal is under an empty id."""
        counts: dict[str, Counter[Kind]] = {}
        async for step in self._steps():
            for value, sealed in zip(step, await self._turns.gather(_read, step), strict=True):
                if sealed:
                    counts.setdefault(_key_id(sealed), Counter())[value.kind] += 1
        return counts

    async def reseal(self, *, most: int | None = None, tell: Callable[[Tally], None]) -> Tally:
        """Move values to the first key, all or so many, and tell after every step how far it is.

        What cannot be opened is counted and left as it is.
        """
        tally = Tally()
        async for step in self._steps():
            while step:
                left = len(step) if most is None else most - tally.done.total()
                if not left:
                    return tally
                # Of a step no more than what is still allowed, for each may be one that is resealed.
                now, step = step[:left], step[left:]
                for value, became in zip(now, await self._turns.gather(_reseal, now), strict=True):
                    _note(tally, value.kind, became)
                tell(tally)
        tally.is_complete = True
        return tally

    async def _steps(self) -> AsyncIterator[_Step]:
        """All that there is, in lists of about so many."""
        yield self._of_seats(Kind.DEPLOYMENT, await self._deployment.seats())
        for partition in range(self._space.partitions):
            seats = await self._admins.seats(partition)
            for first in range(0, len(seats), _STEP):
                yield self._of_seats(Kind.ADMINS, seats[first : first + _STEP])
        async for tenant in self._tenants.list():
            yield [self._of_tenant(tenant)]
            of_agents = await self._agents.seats(tenant.id)
            for first in range(0, len(of_agents), _STEP):
                yield self._of_seats(Kind.AGENTS, of_agents[first : first + _STEP])
            async for of_factors in self._factors.seats(tenant.id, step=_STEP):
                yield self._of_seats(Kind.FACTORS, of_factors)

    def _of_seats(self, kind: Kind, seats: Sequence[Seat]) -> _Step:
        return [_Value(kind, partial(self._seats.read, seat), partial(self._seats.reseal, seat)) for seat in seats]

    def _of_tenant(self, tenant: Tenant) -> _Value:
        return _Value(
            Kind.TENANTS,
            partial(_secrets_of, tenant),
            partial(self._callbacks.reseal, tenant.id),
        )


async def _read(value: _Value) -> bytes | None:
    return await value.read()


async def _reseal(value: _Value) -> Resealed:
    try:
        return await value.reseal()
    except CannotUnseal as error:
        _logger.warning("one of the %s cannot be resealed: %s", value.kind, error)
        return Resealed.LOST


async def _secrets_of(tenant: Tenant) -> bytes | None:
    return tenant.callback_secrets or None


def _note(tally: Tally, kind: Kind, became: Resealed) -> None:
    match became:
        case Resealed.DONE:
            tally.done[kind] += 1
        case Resealed.CURRENT:
            tally.current[kind] += 1
        case Resealed.LOST:
            tally.lost[kind] += 1
        case Resealed.GONE:
            pass


def _key_id(sealed: bytes) -> str:
    try:
        return key_id_of(sealed)
    except CannotUnseal:
        return ""
