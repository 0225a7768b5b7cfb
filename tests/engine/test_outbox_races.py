"""Many couriers at once over several links to a real server: what there is to tell is each time one courier's."""

import uuid
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.store import keys
from engine.store.keys import KeySpace, Place
from engine.store.opening import AnyLink
from engine.store.outbox import BuryStatus, OutboxStore, PostponeStatus, ReplayStatus, SettleStatus
from tests.engine.test_races import CALLS, at_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from enum import IntEnum

    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

IDLE_MS = 60_000
GROUP = "couriers"


@pytest.fixture
def tenant(space: KeySpace) -> Place:
    """Another partition in each run, so that in time every one has had its races."""
    return space.place_in(uuid.uuid4().int % space.partitions, "deliveries", "tenant")


def announce(admin: "Admin", tenant: Place, count: int) -> list[str]:
    events = [f"event {number}" for number in range(count)]
    for event in events:
        admin.xadd(keys.outbox(tenant), {"event": event, "attempt": 1})
    return events


async def take(link: AnyLink, tenant: Place, *, most: int = 1) -> list[tuple[str, str]]:
    """Ids and events."""
    reply = await OutboxStore(link).take(partition=tenant, most=most, idle_ms=IDLE_MS)
    parts = [line.split(" ", 2) for line in reply.entries.decode().splitlines()]
    return [(entry_id, event) for entry_id, _, event in parts]


async def test_many_couriers_at_once_take_each_entry_once(
    links: list[AnyLink], tenant: Place, admin_redis: "Admin"
) -> None:
    """Some are left without, since some take several."""
    events = announce(admin_redis, tenant, CALLS)

    taken = await at_once(links, lambda link, number: take(link, tenant, most=1 + number % 3))

    assert sorted(event for some in taken for _, event in some) == sorted(events)


async def test_what_was_held_too_long_is_taken_by_one_of_many(
    links: list[AnyLink], tenant: Place, admin_redis: "Admin"
) -> None:
    announce(admin_redis, tenant, 1)
    (lost,) = await take(links[0], tenant)
    admin_redis.xclaim(keys.outbox(tenant), GROUP, GROUP, 0, [lost[0]], idle=IDLE_MS, justid=True)

    taken = await at_once(links, lambda link, _: take(link, tenant))

    assert [entry for some in taken for entry in some] == [lost]


async def test_what_was_put_off_is_taken_by_one_of_many(
    links: list[AnyLink], tenant: Place, admin_redis: "Admin"
) -> None:
    announce(admin_redis, tenant, 1)
    ((entry_id, event),) = await take(links[0], tenant)
    await OutboxStore(links[0]).postpone(
        tenant=tenant, entry_id=entry_id, event=event, attempt=2, wait_ms=0, line=""
    )

    taken = await at_once(links, lambda link, _: take(link, tenant))

    assert [event for some in taken for _, event in some] == [event]


async def test_of_many_who_say_what_came_of_an_entry_the_first_is_believed(
    links: list[AnyLink], tenant: Place, admin_redis: "Admin"
) -> None:
    """Each has held it too long. What one of them says of it happens once, and is noted once."""
    announce(admin_redis, tenant, 1)
    ((entry_id, event),) = await take(links[0], tenant)
    endings: list[Callable[[OutboxStore, str], Awaitable[tuple[IntEnum]]]] = [
        lambda store, line: store.settle(tenant=tenant, entry_id=entry_id, line=line),
        lambda store, line: store.postpone(
            tenant=tenant, entry_id=entry_id, event=event, attempt=2, wait_ms=0, line=line
        ),
        lambda store, line: store.bury(tenant=tenant, entry_id=entry_id, event=event, line=line),
    ]

    replies = await at_once(links, lambda link, number: endings[number % 3](OutboxStore(link), f"by {number}"))

    assert Counter(reply[0].name for reply in replies)["STALE"] == CALLS - 1
    (winner,) = [number for number, reply in enumerate(replies) if reply[0].name != "STALE"]
    assert replies[winner][0] is (SettleStatus.SETTLED, PostponeStatus.POSTPONED, BuryStatus.BURIED)[winner % 3]
    history = await OutboxStore(links[0]).history(tenant=tenant, most=CALLS)
    assert history.log.decode().splitlines()[1:] == [f"by {winner}"]


async def test_of_many_who_bring_a_dead_letter_back_one_does(
    links: list[AnyLink], tenant: Place, admin_redis: "Admin"
) -> None:
    announce(admin_redis, tenant, 1)
    ((entry_id, event),) = await take(links[0], tenant)
    await OutboxStore(links[0]).bury(tenant=tenant, entry_id=entry_id, event=event, line="")

    replies = await at_once(links, lambda link, _: OutboxStore(link).replay(tenant=tenant, event=event))

    statuses = Counter(reply.status for reply in replies)
    assert statuses == {ReplayStatus.REPLAYED: 1, ReplayStatus.ABSENT: CALLS - 1}
    assert len(await take(links[0], tenant, most=CALLS)) == 1
