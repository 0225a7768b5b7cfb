"""What a process knows of tenants: kept once it was read, also by many at once, and gone once it was written."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.tenants import State

if TYPE_CHECKING:
    from engine.assembly import Engine

pytestmark = pytest.mark.anyio


async def test_readers_at_once_leave_the_tenant_known(engine: "Engine") -> None:
    tenant = await engine.tenants.create(name="read by many", state=State.ACTIVE)
    await asyncio.gather(*[engine.known_tenants.read(tenant.id) for _ in range(20)])
    reads = engine.known_tenants.stats.reads

    known = await engine.known_tenants.read(tenant.id)

    assert engine.known_tenants.stats.reads == reads
    assert engine.known_tenants.is_current(known)


async def test_a_written_tenant_is_known_no_more(engine: "Engine") -> None:
    tenant = await engine.tenants.create(name="written", state=State.ACTIVE)
    known = await engine.known_tenants.read(tenant.id)

    await engine.tenants.set_state(tenant.id, State.SUSPENDED)
    await engine.link.ping()  # whatever was pushed has come before its answer

    assert not engine.known_tenants.is_current(known)
    assert (await engine.known_tenants.read(tenant.id)).state is State.SUSPENDED
