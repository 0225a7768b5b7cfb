"""Deliveries through the engine: taken, tried again on a schedule, given up, brought back, looked at."""

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from engine.deliveries import SCHEDULE_S, Backlog, Delivery, End, Event
from engine.ids import TenantId
from engine.policies import ChallengePolicy
from engine.store import keys
from engine.store.keys import KeySpace
from engine.tenants import Tenant
from tests.engine.servers import scan
from tests.engine.test_factors import active
from tests.engine.told import DELIVERED, FAILED, IDLE_MS, TOPIC, cancelled, ends, take_all, wanting

if TYPE_CHECKING:
    from engine.assembly import Engine
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

DAY_S = 24 * 3600


@pytest.fixture
async def tenant(engine: "Engine", tenant: Tenant) -> Tenant:
    """One that wants to be told."""
    return await wanting(engine, tenant)


async def one(engine: "Engine", tenant: Tenant) -> Delivery:
    """The delivery of an end that has just happened."""
    await cancelled(engine, tenant, await active(engine, tenant))
    (delivery,) = await take_all(engine)
    return delivery


def now_ms(admin: "Admin") -> float:
    seconds, microseconds = admin.time()
    return seconds * 1000 + microseconds / 1000


def waiting(admin: "Admin") -> dict[bytes, float]:
    """When what was put off comes back, in milliseconds."""
    sets = [admin.zrange(name, 0, -1, withscores=True) for name in scan(admin) if name.endswith(b":retries")]
    return {member: due_ms for found in sets for member, due_ms in cast("list[tuple[bytes, float]]", found)}


def let_time_come(admin: "Admin") -> None:
    """For all that was put off."""
    for name in scan(admin):
        if name.endswith(b":retries"):
            for member in cast("list[bytes]", admin.zrange(name, 0, -1)):
                admin.zadd(name, {member: 0})


async def put_off_s(
    engine: "Engine", admin: "Admin", delivery: Delivery, retry_after_s: float | None = None
) -> tuple[float, float]:
    """Between what and what the wait is until a delivery that failed is tried again, in seconds."""
    before = now_ms(admin)
    assert await engine.deliveries.fail(delivery, FAILED, retry_after_s=retry_after_s) is End.RETRY
    after = now_ms(admin)
    (due_ms,) = waiting(admin).values()
    return (due_ms - after) / 1000, (due_ms - before) / 1000 + 0.001


async def test_a_delivery_is_one_couriers_until_it_says_what_came_of_it(engine: "Engine", tenant: Tenant) -> None:
    delivery = await one(engine, tenant)
    assert await take_all(engine) == []

    assert await engine.deliveries.settle(delivery, DELIVERED)
    assert not await engine.deliveries.settle(delivery, DELIVERED)

    (logged,) = (await engine.deliveries.history(tenant.id, most=10)).log
    assert logged[1:] == (delivery.event, 1, DELIVERED, End.DELIVERED)


async def test_who_comes_second_has_not_left_a_delivery(engine: "Engine", tenant: Tenant) -> None:
    delivery = await one(engine, tenant)
    assert await engine.deliveries.bury(delivery, FAILED)

    assert not await engine.deliveries.bury(delivery, FAILED)
    assert await engine.deliveries.fail(delivery, FAILED, retry_after_s=None) is None
    last = delivery._replace(attempt=len(SCHEDULE_S) + 1)
    assert await engine.deliveries.fail(last, FAILED, retry_after_s=None) is None


async def test_many_couriers_take_each_delivery_once(engine: "Engine", tenant: Tenant) -> None:
    made = await ends(engine, tenant, 60)

    taken = await asyncio.gather(*[take_all(engine, most=1) for _ in range(60)])

    subjects = Counter(delivery.event.subject for some in taken for delivery in some)
    assert subjects == Counter(challenge.id for challenge in made)


async def test_what_there_is_nobody_to_tell_of_is_settled_without_a_line(engine: "Engine", tenant: Tenant) -> None:
    assert await engine.deliveries.settle(await one(engine, tenant), None)

    assert await engine.deliveries.history(tenant.id, most=10) == ([], [])


async def test_failures_are_tried_again_on_schedule_and_given_up_within_a_day(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    delivery = first = await one(engine, tenant)
    for number, scheduled_s in enumerate(SCHEDULE_S, 1):
        assert delivery[2:] == (number, first.event)
        least, most = await put_off_s(engine, admin_redis, delivery)
        assert least <= scheduled_s * 1.1
        assert most >= scheduled_s
        assert await take_all(engine) == []
        let_time_come(admin_redis)
        (delivery,) = await take_all(engine)

    assert await engine.deliveries.fail(delivery, FAILED, retry_after_s=1) is End.DEAD
    assert (await take_all(engine), waiting(admin_redis)) == ([], {})
    history = await engine.deliveries.history(tenant.id, most=100)
    assert [letter.event for letter in history.dead] == [first.event]
    attempts = len(SCHEDULE_S) + 1
    assert [logged.number for logged in history.log] == list(range(attempts, 0, -1))
    assert [logged.end for logged in history.log] == [End.DEAD] + [End.RETRY] * (attempts - 1)
    assert {logged.attempt for logged in history.log} == {FAILED}


def test_the_schedule_ends_within_a_day_however_it_is_spread() -> None:
    assert sum(SCHEDULE_S) * 1.1 < DAY_S
    assert list(SCHEDULE_S) == sorted(SCHEDULE_S)


async def test_retries_of_what_failed_at_once_are_spread_within_a_tenth_of_their_wait(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    await ends(engine, tenant, 50)
    before = now_ms(admin_redis)
    for delivery in await take_all(engine):
        await engine.deliveries.fail(delivery, FAILED, retry_after_s=None)
    after = now_ms(admin_redis)

    due_ms = waiting(admin_redis).values()
    assert before + 10_000 - 1 <= min(due_ms) <= max(due_ms) <= after + 11_000
    assert max(due_ms) - min(due_ms) > after - before


@pytest.mark.parametrize(
    ("retry_after_s", "least_s", "most_s"),
    [
        (-1, 10, 11),
        (5, 10, 11),
        (math.nan, 10, 11),
        (600, 600, 600),
        (10 * DAY_S, sum(SCHEDULE_S), sum(SCHEDULE_S)),
        (math.inf, sum(SCHEDULE_S), sum(SCHEDULE_S)),
    ],
)
async def test_a_receiver_may_ask_to_be_left_alone_for_as_long_as_it_would_be_tried(
    engine: "Engine",
    tenant: Tenant,
    admin_redis: "Admin",
    retry_after_s: float,
    least_s: float,
    most_s: float,
) -> None:
    least, most = await put_off_s(engine, admin_redis, await one(engine, tenant), retry_after_s)

    assert least <= most_s
    assert most >= least_s


@pytest.mark.parametrize("retry_after_s", [15, 600, 3600, 7300, 50_000, math.inf])
async def test_whatever_a_receiver_asks_for_it_is_not_tried_for_longer_than_a_day(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin", retry_after_s: float
) -> None:
    delivery, passed_s = await one(engine, tenant), 0.0
    while delivery.attempt <= len(SCHEDULE_S):
        least, _ = await put_off_s(engine, admin_redis, delivery, retry_after_s)
        passed_s += least
        let_time_come(admin_redis)
        (delivery,) = await take_all(engine)

    assert await engine.deliveries.fail(delivery, FAILED, retry_after_s=retry_after_s) is End.DEAD
    assert min(retry_after_s, sum(SCHEDULE_S)) - 1 <= passed_s < DAY_S


async def test_a_delivery_that_others_go_ahead_of_comes_back_as_the_same_attempt(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    delivery = await one(engine, tenant)

    await engine.deliveries.defer(delivery, wait_s=3600)

    assert await take_all(engine) == []
    let_time_come(admin_redis)
    (again,) = await take_all(engine)
    assert again._replace(entry_id=delivery.entry_id) == delivery
    assert await engine.deliveries.history(tenant.id, most=10) == ([], [])


async def test_what_a_courier_held_when_it_died_is_taken_by_another(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    delivery = await one(engine, tenant)
    outbox = keys.outbox(KeySpace(partitions=16, index_key=bytes(32)).partition(delivery.partition))
    admin_redis.xclaim(outbox, "couriers", "couriers", 0, [delivery.entry_id], idle=IDLE_MS, justid=True)

    assert await take_all(engine) == [delivery]
    assert await take_all(engine) == []


async def test_the_backlog_is_that_of_all_partitions(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    assert await engine.deliveries.backlog() == Backlog(0, 0, 0, 0)
    hour_ago = now_ms(admin_redis) - 3_600_000
    event = Event(TOPIC, TenantId(tenant.id), (await ends(engine, tenant, 30))[0].id, "EXPIRED", int(hour_ago))
    for delivery in (await take_all(engine))[:10]:
        await engine.deliveries.fail(delivery, FAILED, retry_after_s=None)
    space = KeySpace(partitions=17, index_key=bytes(32))
    (free, *_) = [number for number in range(16) if not admin_redis.exists(keys.outbox(space.partition(number)))]
    admin_redis.xadd(keys.outbox(space.partition(free)), {"event": event.text, "attempt": 1})
    await engine.challenges.open(overdue(tenant), (await active(engine, tenant)).id, topic=TOPIC)

    backlog = await engine.deliveries.backlog()

    assert (backlog.ready, backlog.waiting) == (21, 10)
    assert 3_600_000 <= backlog.oldest_ms <= 3_660_000
    assert 7_200_000 <= backlog.overdue_ms <= 7_260_000


def overdue(tenant: Tenant) -> Tenant:
    """The tenant under a policy by which time is up two hours ago."""
    return msgspec.structs.replace(tenant, challenge_policy=ChallengePolicy(life_s=-7200))
