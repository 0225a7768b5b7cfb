"""What was given up: kept, looked at, brought back; and the log of deliveries beside it."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.deliveries import Attempt, DeadLetter
from engine.errors import UnknownDelivery
from engine.tenants import State, Tenant
from tests.engine.test_factors import active
from tests.engine.told import FAILED, buried, cancelled, ends, take_all, wanting

if TYPE_CHECKING:
    from engine.assembly import Engine

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tenant(engine: "Engine", tenant: Tenant) -> Tenant:
    """One that wants to be told."""
    return await wanting(engine, tenant)


async def test_a_dead_letter_is_brought_back_once_by_its_message_id(engine: "Engine", tenant: Tenant) -> None:
    events = await buried(engine, tenant, 3)

    await engine.deliveries.replay(tenant.id, events[1].message_id)

    (delivery,) = await take_all(engine)
    assert delivery[2:] == (1, events[1])
    left = (await engine.deliveries.history(tenant.id, most=10)).dead
    assert {letter.event for letter in left} == {events[0], events[2]}
    with pytest.raises(UnknownDelivery):
        await engine.deliveries.replay(tenant.id, events[1].message_id)


async def test_of_many_who_bring_one_back_at_once_one_does(engine: "Engine", tenant: Tenant) -> None:
    (event,) = await buried(engine, tenant, 1)

    results = await asyncio.gather(
        *[engine.deliveries.replay(tenant.id, event.message_id) for _ in range(20)], return_exceptions=True
    )

    assert Counter(map(type, results)) == {type(None): 1, UnknownDelivery: 19}
    assert len(await take_all(engine)) == 1


async def test_another_tenant_neither_sees_nor_brings_back_anything(engine: "Engine", tenant: Tenant) -> None:
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)
    (event,) = await buried(engine, tenant, 1)

    with pytest.raises(UnknownDelivery):
        await engine.deliveries.replay(other.id, event.message_id)
    assert await engine.deliveries.replay_all(other.id) == 0
    assert await engine.deliveries.forget(other.id) == 0
    assert await engine.deliveries.history(other.id, most=10) == ([], [])
    assert len((await engine.deliveries.history(tenant.id, most=10)).dead) == 1


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        "msg",
        "msg__",
        "msg_x_cancelled",
        "msg_00000000-0000-4000-8000-000000000000",
        "msg_00000000-0000-4000-8000-000000000000_cancelled",
        "msg_00000000-0000-4000-8000-000000000000_cancelled_",
    ],
)
async def test_what_is_no_message_id_brings_nothing_back(
    engine: "Engine", tenant: Tenant, message_id: str
) -> None:
    await buried(engine, tenant, 1)
    with pytest.raises(UnknownDelivery):
        await engine.deliveries.replay(tenant.id, message_id)


async def test_all_dead_letters_are_brought_back(engine: "Engine", tenant: Tenant) -> None:
    events = await buried(engine, tenant, 250)

    assert await engine.deliveries.replay_all(tenant.id) == 250

    assert await engine.deliveries.replay_all(tenant.id) == 0
    assert Counter(delivery.event for delivery in await take_all(engine)) == Counter(events)


async def test_bringing_all_back_comes_to_an_end_although_they_die_again_meanwhile(
    engine: "Engine", tenant: Tenant
) -> None:
    """As they do when a receiver is gone: couriers give everything up at once."""
    factor = await active(engine, tenant)
    await asyncio.gather(*[cancelled(engine, tenant, factor) for _ in range(400)])  # in one partition
    for delivery in await take_all(engine):
        await engine.deliveries.bury(delivery, FAILED)

    async def give_up() -> None:
        while True:
            for delivery in await take_all(engine, most=10):
                await engine.deliveries.bury(delivery, FAILED)

    couriers = [asyncio.create_task(give_up()) for _ in range(4)]
    replayed = await engine.deliveries.replay_all(tenant.id)
    for courier in couriers:
        courier.cancel()
    await asyncio.gather(*couriers, return_exceptions=True)

    assert replayed == 400


async def test_history_is_merged_over_partitions_the_youngest_first(engine: "Engine", tenant: Tenant) -> None:
    await ends(engine, tenant, 40)
    taken = await take_all(engine)
    for number, delivery in enumerate(taken):
        attempt = Attempt("status", 500, number)
        if number % 2:
            await engine.deliveries.bury(delivery, attempt)
        else:
            await engine.deliveries.fail(delivery, attempt, retry_after_s=None)

    whole = await engine.deliveries.history(tenant.id, most=100)

    numbers = [logged.attempt.took_ms for logged in whole.log]
    assert sorted(numbers) == list(range(40))
    for partition in engine.deliveries.partitions:
        of_one = [number for number in numbers if taken[number].partition == partition]
        assert of_one == sorted(of_one, reverse=True)
    assert len(whole.dead) == 20
    assert [letter.since_ms for letter in whole.dead] == sorted((one.since_ms for one in whole.dead), reverse=True)
    assert [logged.at_ms for logged in whole.log] == sorted((one.at_ms for one in whole.log), reverse=True)
    assert await engine.deliveries.history(tenant.id, most=7) == (whole.dead[:7], whole.log[:7])
    assert isinstance(whole.dead[0], DeadLetter)


async def test_what_is_kept_of_deliveries_is_forgotten(engine: "Engine", tenant: Tenant) -> None:
    await buried(engine, tenant, 25)

    assert await engine.deliveries.forget(tenant.id) == 25

    assert await engine.deliveries.history(tenant.id, most=100) == ([], [])
    assert await engine.deliveries.replay_all(tenant.id) == 0
