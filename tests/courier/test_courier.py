"""A courier in this process: what it cannot read harms nothing else, and nothing goes on after it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING

import pytest

from edge.authenticator.callbacks import TOPIC, AuthenticatorTeller
from edge.courier.courier import Courier, CourierStats
from engine.deliveries import SCHEDULE_S
from engine.store import keys
from engine.store.keys import KeySpace
from engine.tenants import ChallengeSetup, Tenant
from tests.courier.receiver import Line, Receiver, hang, status
from tests.engine.told import ends, take_all, wanting
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from edge.courier.sender import Sender
    from engine.assembly import Engine
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

SLOTS = 8
SPACE = KeySpace(partitions=16, index_key=bytes(32))


@pytest.fixture
async def tenant(engine: "Engine", tenant: Tenant, receiver: Receiver) -> Tenant:
    """One that is told at /hook."""
    return await wanting(engine, tenant, ChallengeSetup("Acme", receiver.url("/hook")))


@asynccontextmanager
async def courier(engine: "Engine", sender: "Sender") -> AsyncGenerator[CourierStats]:
    """A courier as long as the block takes; it has ended after it."""
    stats = CourierStats()
    tellers = {TOPIC: AuthenticatorTeller(engine.callback_secrets, engine.deployment_secrets)}
    courier = Courier(engine, sender, tellers, slots=SLOTS, claim_s=60, timeout_s=5, stats=stats)
    running = asyncio.create_task(courier.run())
    try:
        yield stats
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_events_that_cannot_be_read_stay_for_others_and_hold_up_none(
    engine: "Engine", tenant: Tenant, receiver: Receiver, sender: "Sender", admin_redis: "Admin"
) -> None:
    places = [SPACE.partition(number) for number in range(16)]
    for place in places:
        for event, attempt in ((b"of a newer version", b"1"), (b"a b c d 1", b"many"), (b"\xff", b"1")):
            admin_redis.xadd(keys.outbox(place), {"event": event, "attempt": attempt})
        admin_redis.xadd(keys.outbox(place), {"only": "field"})
        admin_redis.zadd(keys.retries(place), {"what nobody knows": 1})
        admin_redis.zadd(keys.due(place), {f"odd{number}": 1 for number in range(30)})
    await ends(engine, tenant, 20)
    async with courier(engine, sender) as stats:
        await wait_until_async(lambda: len(receiver.of("/hook")) == 20)
        await wait_until_async(lambda: stats.ends["delivered"] == 20)
    assert [admin_redis.xlen(keys.outbox(place)) for place in places] == [5] * 16


async def test_nothing_is_sent_and_no_task_is_left_after_a_courier_has_ended(
    engine: "Engine", tenant: Tenant, receiver: Receiver, sender: "Sender"
) -> None:
    """Though there is more to tell than it has places for."""
    receiver.behave("/hook", hang)
    await ends(engine, tenant, 4 * SLOTS)
    async with courier(engine, sender):
        await wait_until_async(lambda: receiver.of("/hook"))
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "delivery"]
    await wait_until_async(lambda: receiver.open_connections == 0)
    assert len(receiver.of("/hook")) <= SLOTS


async def test_what_no_courier_knows_how_to_tell_is_tried_on_schedule_like_what_fails(
    engine: "Engine", tenant: Tenant, sender: "Sender", admin_redis: "Admin"
) -> None:
    (challenge,) = await ends(engine, tenant, 1)
    (delivery,) = await take_all(engine)
    await engine.deliveries.settle(delivery, None)
    event = delivery.event._replace(topic="newer")
    outbox = keys.outbox(SPACE.partition(delivery.partition))
    admin_redis.xadd(outbox, {"event": event.text, "attempt": len(SCHEDULE_S)})
    admin_redis.xadd(outbox, {"event": event._replace(state="LAST").text, "attempt": len(SCHEDULE_S) + 1})
    async with courier(engine, sender) as stats:
        await wait_until_async(lambda: stats.ends == {"retry": 1, "dead": 1})
    history = await engine.deliveries.history(tenant.id, most=10)
    assert [letter.event.subject for letter in history.dead] == [challenge.id]
    assert {logged.attempt.outcome for logged in history.log} == {"unknown"}


async def test_what_another_courier_has_left_first_is_not_counted(
    engine: "Engine", tenant: Tenant, receiver: Receiver, sender: "Sender", admin_redis: "Admin"
) -> None:
    release = Event()

    def late(line: Line) -> None:
        release.wait(5)
        status(204)(line)

    receiver.behave("/hook", late)
    await ends(engine, tenant, 1)
    async with courier(engine, sender) as stats:
        await wait_until_async(lambda: receiver.of("/hook"))
        for number in range(16):
            admin_redis.delete(keys.outbox(SPACE.partition(number)))
        release.set()
        await wait_until_async(lambda: stats.attempts["delivered"] == 1)
    assert not stats.ends
