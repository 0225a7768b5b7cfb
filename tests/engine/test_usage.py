"""What tenants use, counted by processes and added up in Redis: on a real server."""

import asyncio
from contextlib import suppress

import pytest

from engine.assembly import Engine, Options, open_engine
from engine.errors import PasscodeGone, PassKeyTaken
from engine.store.usage import HOURS
from engine.tenants import State, Tenant
from engine.usage import DAY_HOURS, WEEK_HOURS, Hour

pytestmark = pytest.mark.anyio


async def use(engine: Engine, tenant: Tenant, api_key: str, pass_key: str) -> None:
    """Two submits, of which one is a conflict, and three fetches, of which two find nothing."""
    for _ in range(2):
        with suppress(PassKeyTaken):
            await engine.passcodes.submit(
                tenant_id=tenant.id, pass_key=pass_key, pass_phrase=None, address="a", idempotency_key=None
            )
    for _ in range(3):
        with suppress(PasscodeGone):
            await engine.passcodes.fetch(
                tenant_id=tenant.id, api_key=api_key, pass_key=pass_key, idempotency_key=None
            )


async def total(engine: Engine, tenant: Tenant) -> tuple[int, ...]:
    """Over a day, whichever hour it fell into."""
    hours = await engine.usage.read(tenant.id, hours=DAY_HOURS)
    return tuple(map(sum, zip(*[hour[1:] for hour in hours], strict=True)))


async def test_what_is_used_is_added_up_over_processes(
    engine: Engine, engine_options: Options, tenant: Tenant, api_key: str
) -> None:
    await use(engine, tenant, api_key, "one")
    async with open_engine(engine_options) as other:
        await asyncio.gather(*[use(other, tenant, api_key, f"other {number}") for number in range(5)])
    await engine.usage.write()
    assert await total(engine, tenant) == (6, 6, 6, 12), "the other one has written as it left"
    await engine.usage.write()
    assert await total(engine, tenant) == (6, 6, 6, 12), "nothing is counted twice"


async def test_no_tenant_counts_for_another(engine: Engine, tenant: Tenant, api_key: str) -> None:
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)
    await use(engine, tenant, api_key, "one")
    await engine.usage.write()
    assert await total(engine, other) == (0, 0, 0, 0)


@pytest.mark.parametrize(("hours", "told"), [(DAY_HOURS, 24), (WEEK_HOURS, 168), (10_000, HOURS)])
async def test_every_hour_is_told_the_oldest_first(engine: Engine, tenant: Tenant, hours: int, told: int) -> None:
    usage = await engine.usage.read(tenant.id, hours=hours)
    assert usage == [Hour(usage[0].at + 3600 * number) for number in range(told)]
    assert usage[-1].at % 3600 == 0


@pytest.mark.one_node
async def test_what_could_not_be_written_is_written_later(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await use(engine, tenant, api_key, "one")
    most, engine.link.max_in_flight = engine.link.max_in_flight, 0  # it takes no call
    await engine.usage.write()
    engine.link.max_in_flight = most
    assert await total(engine, tenant) == (0, 0, 0, 0)
    await engine.usage.write()
    assert await total(engine, tenant) == (1, 1, 1, 2)
