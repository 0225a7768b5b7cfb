"""What is left to be told when a challenge ends: one event in its own partition, or none if nobody is to hear."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import msgspec
import pytest

from engine.challenges import Challenge, Kind, State
from engine.deliveries import Event
from engine.factor_records import Factor
from engine.ids import ChallengeId, TenantId
from engine.policies import ChallengePolicy
from engine.tenants import ChallengeSetup, Tenant
from tests.engine.servers import scan
from tests.engine.test_factors import active, code_of, wrong_code_of
from tests.engine.told import TOPIC, URL, cancelled, partition_of, take_all, wanting

if TYPE_CHECKING:
    from engine.assembly import Engine
    from tests.engine.servers import Admin

pytestmark = pytest.mark.anyio

End: TypeAlias = Callable[["Engine", Tenant, Factor, Challenge], Awaitable[object]]

OVERDUE = ChallengePolicy(life_s=-3600)  # its time was up an hour ago


async def right(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    await engine.challenges.answer(tenant, factor.id, challenge.id, code=code_of(factor))


async def wrong(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    await engine.challenges.answer(tenant, factor.id, challenge.id, code=wrong_code_of(factor))


async def approve(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    await engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=True)


async def deny(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    await engine.challenges.decide(tenant, factor.id, challenge.id, is_approved=False)


async def cancel(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    await engine.challenges.cancel(tenant, factor.id, challenge.id)


async def expire(engine: "Engine", tenant: Tenant, factor: Factor, challenge: Challenge) -> None:
    del tenant, factor
    assert await engine.challenges.expire_overdue(partition_of(engine, challenge), most=10) == 1


every_end = pytest.mark.parametrize(
    ("kind", "end", "state"),
    [
        (Kind.TOTP, right, State.VERIFIED),
        (Kind.TOTP, wrong, State.FAILED),
        (Kind.DECISION, approve, State.VERIFIED),
        (Kind.DECISION, deny, State.FAILED),
        (Kind.TOTP, cancel, State.CANCELLED),
        (Kind.TOTP, expire, State.EXPIRED),
    ],
)


async def opened(
    engine: "Engine", tenant: Tenant, factor: Factor, kind: Kind, end: End, *, topic: str = TOPIC
) -> Challenge:
    """Open for this end."""
    policy = OVERDUE if end is expire else ChallengePolicy()
    tenant = msgspec.structs.replace(tenant, challenge_policy=policy)
    return await engine.challenges.open(tenant, factor.id, kind=kind, topic=topic)


@every_end
async def test_an_end_leaves_one_event_in_the_partition_of_the_challenge(
    engine: "Engine", tenant: Tenant, kind: Kind, end: End, state: State
) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    challenge = await opened(engine, tenant, factor, kind, end)
    assert await take_all(engine) == []

    await end(engine, tenant, factor, challenge)

    (delivery,) = await take_all(engine)
    read = await engine.challenges.read(tenant.id, factor.id, challenge.id)
    assert delivery.event == (TOPIC, tenant.id, challenge.id, state.value, read.updated_ms)
    assert (read.state, delivery.attempt) == (state, 1)
    assert delivery.partition == partition_of(engine, challenge)


@every_end
@pytest.mark.parametrize(
    ("topic", "setup"),
    [
        ("", ChallengeSetup("Acme", URL)),
        (TOPIC, None),
        (TOPIC, ChallengeSetup("Acme")),
        (TOPIC, ChallengeSetup("Acme", URL, is_callback_off=True)),
    ],
    ids=["no topic", "no setup", "no address", "address off"],
)
async def test_an_end_of_which_nobody_wants_to_hear_leaves_no_event(
    engine: "Engine",
    tenant: Tenant,
    kind: Kind,
    end: End,
    state: State,
    topic: str,
    setup: ChallengeSetup | None,
) -> None:
    tenant = await engine.configurations.change_challenges(tenant.id, lambda _: setup)
    factor = await active(engine, tenant)
    challenge = await opened(engine, tenant, factor, kind, end, topic=topic)

    await end(engine, tenant, factor, challenge)

    assert (await engine.challenges.read(tenant.id, factor.id, challenge.id)).state is state
    assert await take_all(engine) == []


async def test_a_wrong_code_of_several_is_not_told(engine: "Engine", tenant: Tenant) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    challenge = await engine.challenges.open(tenant, factor.id, kind=Kind.CODE, code="271828", topic=TOPIC)

    await engine.challenges.answer(tenant, factor.id, challenge.id, code="314159")
    assert await take_all(engine) == []
    await engine.challenges.answer(tenant, factor.id, challenge.id, code="271828")
    assert len(await take_all(engine)) == 1


async def test_many_ends_at_once_leave_one_event(engine: "Engine", tenant: Tenant) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    challenge = await opened(engine, tenant, factor, Kind.DECISION, approve)

    await asyncio.gather(
        *[end(engine, tenant, factor, challenge) for end in (approve, deny, cancel) * 20], return_exceptions=True
    )

    (delivery,) = await take_all(engine)
    assert delivery.event.state == (await engine.challenges.read(tenant.id, factor.id, challenge.id)).state


async def test_couriers_at_once_note_each_expiry_once(engine: "Engine", tenant: Tenant) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    made = [await opened(engine, tenant, factor, Kind.TOTP, expire) for _ in range(20)]
    partition = partition_of(engine, made[0])

    await asyncio.gather(*[engine.challenges.expire_overdue(partition, most=20) for _ in range(10)])

    events = [delivery.event for delivery in await take_all(engine)]
    assert sorted(event.subject for event in events) == sorted(one.id for one in made)
    assert {event.state for event in events} == {"EXPIRED"}


async def test_overdue_challenges_are_noted_so_many_at_a_time_and_others_are_left(
    engine: "Engine", tenant: Tenant
) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    pending = await opened(engine, tenant, factor, Kind.TOTP, right)
    for _ in range(5):
        await opened(engine, tenant, factor, Kind.TOTP, expire)
    partition = partition_of(engine, pending)

    counts = [await engine.challenges.expire_overdue(partition, most=2) for _ in range(4)]

    assert counts == [2, 2, 1, 0]
    assert (await engine.challenges.read(tenant.id, factor.id, pending.id)).state is State.PENDING


async def test_overdue_challenges_that_cannot_be_read_are_left_and_hide_no_others(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    partition = partition_of(engine, await opened(engine, tenant, factor, Kind.TOTP, expire))
    (due,) = [name for name in scan(admin_redis) if name.endswith(b":due")]
    admin_redis.zadd(due, {f"of a newer version {number}": 1 for number in range(5)})

    counts = [await engine.challenges.expire_overdue(partition, most=2) for _ in range(4)]

    assert sum(counts) == 1
    assert admin_redis.zcard(due) == 5
    admin_redis.delete(due)


async def test_overdue_challenges_of_a_tenant_that_is_gone_are_noted_and_tell_nobody(
    engine: "Engine", tenant: Tenant, admin_redis: "Admin"
) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    challenge = await opened(engine, tenant, factor, Kind.TOTP, expire)
    await engine.tenants.delete(tenant.id)

    await expire(engine, tenant, factor, challenge)

    assert await take_all(engine) == []
    assert not [name for name in scan(admin_redis) if name.endswith(b":due")]


async def test_a_forgotten_challenge_is_not_told(engine: "Engine", tenant: Tenant) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    challenge = await opened(engine, tenant, factor, Kind.TOTP, expire)

    await engine.challenges.forget(tenant.id, factor.id, challenge)

    assert await engine.challenges.expire_overdue(partition_of(engine, challenge), most=10) == 0
    assert await take_all(engine) == []


async def test_nothing_is_told_from_when_callbacks_stop_until_the_address_is_set_again(
    engine: "Engine", tenant: Tenant
) -> None:
    tenant, factor = await wanting(engine, tenant), await active(engine, tenant)
    await cancelled(engine, tenant, factor)
    await engine.configurations.stop_callbacks(tenant.id, URL)
    await cancelled(engine, await engine.tenants.read(tenant.id), factor)
    assert len(await take_all(engine)) == 1

    await cancelled(engine, await wanting(engine, tenant), factor)

    assert len(await take_all(engine)) == 1


@pytest.mark.parametrize("state", list(State))
def test_an_event_is_read_back_from_its_text(state: State) -> None:
    challenge_id = ChallengeId("00000000-0000-4000-8000-000000000001")
    event = Event(TOPIC, TenantId("tenant"), challenge_id, state.value, 1_800_000_000_000)

    assert Event.parse(event.text) == event
    assert event.message_id == f"msg_{challenge_id}_{state.value.lower()}"
    assert event._replace(at_ms=0).message_id == event.message_id
    assert "." not in event.message_id
