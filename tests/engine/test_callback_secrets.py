"""The secrets that callbacks are signed with: made with the first address, rotated, sealed."""

import asyncio
from base64 import b64decode
from typing import TYPE_CHECKING

import msgspec
import pytest

from engine.errors import CannotUnseal, UnknownTenant
from engine.ids import TenantId
from engine.tenants import ChallengeSetup, State, Tenant

if TYPE_CHECKING:
    from engine.assembly import Engine

pytestmark = pytest.mark.anyio

SETUP = ChallengeSetup("Acme", "https://acme.example/told")


async def told(engine: "Engine", tenant: Tenant, setup: ChallengeSetup = SETUP) -> Tenant:
    return await engine.configurations.change_challenges(tenant.id, lambda _: setup)


async def test_a_tenant_has_no_secret_before_its_first_address(engine: "Engine", tenant: Tenant) -> None:
    assert engine.callback_secrets.of(tenant) == ()
    assert engine.callback_secrets.of(await told(engine, tenant, ChallengeSetup("Acme"))) == ()

    (secret,) = engine.callback_secrets.of(await told(engine, tenant))

    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


async def test_another_address_keeps_the_secret(engine: "Engine", tenant: Tenant) -> None:
    secrets = engine.callback_secrets.of(await told(engine, tenant))

    moved = await told(engine, tenant, ChallengeSetup("Acme", "https://acme.example/moved"))
    without = await told(engine, tenant, ChallengeSetup("Acme"))

    assert engine.callback_secrets.of(moved) == engine.callback_secrets.of(without) == secrets


async def test_after_a_rotation_two_secrets_are_in_use_and_the_oldest_is_dropped(
    engine: "Engine", tenant: Tenant
) -> None:
    (first,) = engine.callback_secrets.of(await told(engine, tenant))

    async def in_use() -> tuple[str, ...]:
        return engine.callback_secrets.of(await engine.tenants.read(tenant.id))

    second = await engine.callback_secrets.rotate(tenant.id)
    assert await in_use() == (second, first)
    third = await engine.callback_secrets.rotate(tenant.id)
    assert await in_use() == (third, second)
    assert len({first, second, third}) == 3


async def test_a_rotation_before_the_first_address_makes_the_first_secret(
    engine: "Engine", tenant: Tenant
) -> None:
    secret = await engine.callback_secrets.rotate(tenant.id)

    assert engine.callback_secrets.of(await told(engine, tenant)) == (secret,)
    with pytest.raises(UnknownTenant):
        await engine.callback_secrets.rotate(TenantId("nobody"))


async def test_rotations_at_once_leave_the_last_two(engine: "Engine", tenant: Tenant) -> None:
    rotated = await asyncio.gather(*[engine.callback_secrets.rotate(tenant.id) for _ in range(10)])

    in_use = engine.callback_secrets.of(await engine.tenants.read(tenant.id))
    assert len(set(rotated)) == 10
    assert len(in_use) == 2
    assert set(in_use) <= set(rotated)


async def test_secrets_are_sealed_in_the_record(engine: "Engine", tenant: Tenant) -> None:
    stored = await told(engine, tenant)
    (secret,) = engine.callback_secrets.of(stored)

    for readable in (secret, secret.removeprefix("whsec_"), "whsec_"):
        assert readable.encode() not in stored.callback_secrets
    assert stored == await engine.tenants.read(tenant.id)


async def test_another_tenants_secrets_do_not_open(engine: "Engine", tenant: Tenant) -> None:
    other = await engine.tenants.create(name="Other", state=State.ACTIVE)
    stolen = msgspec.structs.replace(other, callback_secrets=(await told(engine, tenant)).callback_secrets)

    with pytest.raises(CannotUnseal):
        engine.callback_secrets.of(stolen)
