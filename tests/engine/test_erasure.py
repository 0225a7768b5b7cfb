"""Erasure: nothing of a tenant or a user is left, and nothing of anybody else is touched."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.erasure import Erased
from engine.errors import UnknownFactor, UnknownTenant
from engine.factor_records import Changes, Factor
from engine.ids import TenantId, UserName
from engine.tenants import State
from engine.totp import TotpPolicy
from tests.engine.servers import scan
from tests.engine.test_factors import active, code_of
from tests.engine.told import TOPIC, buried, take_all, wanting

if TYPE_CHECKING:
    from engine.assembly import Engine
    from engine.tenants import Tenant
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

ALICE, BOB = UserName("alice"), UserName("bob")


async def challenged(engine: "Engine", tenant: "Tenant", user: UserName, *, challenges: int) -> Factor:
    factor = await active(engine, tenant, user)
    for _ in range(challenges):
        await engine.challenges.open(tenant, factor.id, reference="order", topic=TOPIC)
    return factor


async def test_a_user_is_erased_with_factor_and_challenges_and_others_are_not(
    engine: "Engine", tenant: "Tenant", admin_redis: "Admin"
) -> None:
    kept = await challenged(engine, tenant, BOB, challenges=2)
    before = set(scan(admin_redis))
    factor = await challenged(engine, tenant, ALICE, challenges=3)

    assert await engine.erasure.erase_user(tenant.id, ALICE) == Erased(factors=1, challenges=3)

    assert set(scan(admin_redis)) == before
    with pytest.raises(UnknownFactor):
        await engine.factors.read(tenant.id, factor.id)
    assert await engine.factors.find(tenant.id, BOB) == kept
    assert (await engine.challenges.list(tenant.id, kept.id, first=0, most=10))[0] == 2
    with pytest.raises(UnknownFactor):
        await engine.erasure.erase_user(tenant.id, ALICE)


async def test_a_renamed_user_is_found_and_erased_by_the_new_name(
    engine: "Engine", tenant: "Tenant", admin_redis: "Admin"
) -> None:
    before = set(scan(admin_redis))
    factor = await challenged(engine, tenant, ALICE, challenges=1)
    await engine.factors.change(tenant.id, factor.id, Changes(user=BOB))

    with pytest.raises(UnknownFactor):
        await engine.erasure.erase_user(tenant.id, ALICE)
    assert await engine.erasure.erase_user(tenant.id, BOB) == Erased(factors=1, challenges=1)
    assert set(scan(admin_redis)) == before


async def test_a_tenant_is_erased_whole(engine: "Engine", tenant: "Tenant", admin_redis: "Admin") -> None:
    before = set(scan(admin_redis))
    doomed = await engine.tenants.create(name="Doomed", state=State.ACTIVE)
    users = [UserName(f"user {number}") for number in range(130)]  # more than one step takes
    await asyncio.gather(*[engine.factors.enrol(doomed.id, user=user, policy=TotpPolicy()) for user in users])
    for user in users[:3]:
        factor = await engine.factors.find(doomed.id, user)
        await engine.factors.change(doomed.id, factor.id, Changes(code=code_of(factor)))
        await engine.challenges.open(doomed, factor.id)

    for number in range(3):
        await engine.agents.create(doomed.id, name="Ann", email=f"{number}@example.com")

    assert await engine.erasure.erase_tenant(doomed.id) == Erased(factors=130, challenges=3, agents=3)

    left = set(scan(admin_redis)) - before
    assert {key.split(b":")[1] for key in left} <= {b"journal"}, "only that it was deleted"
    assert await engine.tenants.read(tenant.id) == tenant
    with pytest.raises(UnknownTenant):
        await engine.erasure.erase_tenant(doomed.id)


async def test_dead_letters_and_the_log_go_with_their_tenant_and_no_others(
    engine: "Engine", tenant: "Tenant"
) -> None:
    other = await wanting(engine, await engine.tenants.create(name="Other", state=State.ACTIVE))
    kept = await buried(engine, other, 3)
    await buried(engine, await wanting(engine, tenant), 5)

    erased = await engine.erasure.erase_tenant(tenant.id)

    assert erased == Erased(factors=10, challenges=5, dead_letters=5)
    assert await engine.deliveries.history(tenant.id, most=100) == ([], [])
    history = await engine.deliveries.history(other.id, most=100)
    assert {letter.event for letter in history.dead} == set(kept)
    assert len(history.log) == 3


async def test_the_end_of_an_erased_challenge_is_not_told(engine: "Engine", tenant: "Tenant") -> None:
    factor = await challenged(engine, await wanting(engine, tenant), ALICE, challenges=3)

    await engine.erasure.erase_user(tenant.id, ALICE)

    partition = int(factor.id[:8], 16) % len(engine.deliveries.partitions)
    assert await engine.challenges.expire_overdue(partition, most=10) == 0
    assert await take_all(engine) == []


async def test_of_many_who_erase_a_user_at_once_each_thing_is_counted_once(
    engine: "Engine", tenant: "Tenant"
) -> None:
    await challenged(engine, tenant, ALICE, challenges=20)

    results = await asyncio.gather(
        *[engine.erasure.erase_user(tenant.id, ALICE) for _ in range(10)], return_exceptions=True
    )

    erased = [result for result in results if isinstance(result, Erased)]
    assert sum(one.factors for one in erased) == 1
    assert sum(one.challenges for one in erased) == 20
    assert all(isinstance(result, Erased | UnknownFactor) for result in results)


async def test_another_tenant_erases_nothing(engine: "Engine", tenant: "Tenant") -> None:
    factor = await challenged(engine, tenant, ALICE, challenges=1)
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)

    with pytest.raises(UnknownFactor):
        await engine.erasure.erase_user(other.id, ALICE)
    with pytest.raises(UnknownTenant):
        await engine.erasure.erase_user(TenantId("nobody"), ALICE)
    assert await engine.erasure.erase_tenant(other.id) == Erased()
    assert await engine.factors.read(tenant.id, factor.id) == factor
