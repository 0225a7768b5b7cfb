"""Tenants that are told of the ends of their challenges, and couriers that take what there is to tell."""

import asyncio
from typing import TYPE_CHECKING

from engine.challenges import Challenge, Kind
from engine.deliveries import Attempt, Delivery, Event
from engine.factor_records import Factor
from engine.ids import UserName
from engine.tenants import ChallengeSetup, Tenant
from tests.engine.test_factors import active

if TYPE_CHECKING:
    from engine.assembly import Engine

TOPIC = "authenticator"
URL = "https://acme.example/told"
IDLE_MS = 60_000
DELIVERED, FAILED = Attempt("delivered", 204, 12), Attempt("status", 500, 34)


async def wanting(engine: "Engine", tenant: Tenant, setup: ChallengeSetup | None = None) -> Tenant:
    """The tenant once it has said where it wants to be told."""
    setup = setup or ChallengeSetup("Acme", URL)
    return await engine.configurations.change_challenges(tenant.id, lambda _: setup)


async def cancelled(engine: "Engine", tenant: Tenant, factor: Factor) -> Challenge:
    """The end of a challenge that is to be told."""
    challenge = await engine.challenges.open(tenant, factor.id, kind=Kind.DECISION, topic=TOPIC)
    return await engine.challenges.cancel(tenant, factor.id, challenge.id)


async def ends(engine: "Engine", tenant: Tenant, count: int) -> list[Challenge]:
    """The ends of as many challenges, of ten users in some of the partitions."""
    factors = [await active(engine, tenant, UserName(f"user {number}")) for number in range(10)]
    return await asyncio.gather(
        *[cancelled(engine, tenant, factors[number % len(factors)]) for number in range(count)]
    )


async def take_all(engine: "Engine", *, most: int = 1000) -> list[Delivery]:
    """What there is to tell in all partitions."""
    deliveries = engine.deliveries
    taken = await asyncio.gather(
        *[deliveries.take(number, most=most, idle_ms=IDLE_MS) for number in deliveries.partitions]
    )
    return [delivery for some in taken for delivery in some]


async def buried(engine: "Engine", tenant: Tenant, count: int) -> list[Event]:
    """Ends that nobody could be told of."""
    await ends(engine, tenant, count)
    deliveries = await take_all(engine)
    for delivery in deliveries:
        await engine.deliveries.bury(delivery, FAILED)
    return [delivery.event for delivery in deliveries]


def partition_of(engine: "Engine", challenge: Challenge) -> int:
    """Which its id carries."""
    return int(challenge.id[:8], 16) % len(engine.deliveries.partitions)
