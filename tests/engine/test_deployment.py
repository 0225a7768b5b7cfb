"""What is fixed when a deployment is first started, and who may join it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from engine.assembly import Engine, Options, open_engine
from engine.deployment import open_deployment
from engine.errors import Misconfigured
from engine.sealing import Keyring
from engine.store.deployment import DeploymentStore
from engine.store.keys import MAX_PARTITIONS, KeySpace
from engine.tenants import Tenant

pytestmark = pytest.mark.anyio


async def test_whoever_joins_finds_what_is_there(engine_options: Options, engine: Engine, tenant: Tenant) -> None:
    async with open_engine(engine_options) as other:
        assert await other.tenants.read(tenant.id) == tenant == await engine.tenants.read(tenant.id)


@pytest.mark.parametrize("partitions", [8, 17, 1])
@pytest.mark.usefixtures("engine")
async def test_another_number_of_partitions_is_refused(engine_options: Options, partitions: int) -> None:
    with pytest.raises(Misconfigured, match="WATCHWORD_PARTITIONS=16"):
        async with open_engine(replace(engine_options, partitions=partitions)):
            pass


@pytest.mark.parametrize("partitions", [-1, 0, MAX_PARTITIONS + 1])
async def test_an_impossible_number_of_partitions_is_refused(engine_options: Options, partitions: int) -> None:
    with pytest.raises(Misconfigured, match="1 to 4096"):
        async with open_engine(replace(engine_options, partitions=partitions)):
            pass


@pytest.mark.usefixtures("engine")
async def test_another_keyring_is_refused(engine_options: Options) -> None:
    with pytest.raises(Misconfigured, match="WATCHWORD_KEYS"):
        async with open_engine(replace(engine_options, keyring=Keyring.parse(Keyring.generate()))):
            pass


async def test_a_keyring_with_a_newer_key_joins(engine_options: Options) -> None:
    old = Keyring.generate()
    async with open_engine(replace(engine_options, keyring=Keyring.parse(old))) as engine:
        tenant = await engine.tenants.create(name="Acme")
    rotated = Keyring.parse(f"{Keyring.generate().replace('k1:', 'k2:')},{old}")
    async with open_engine(replace(engine_options, keyring=rotated)) as engine:
        assert await engine.tenants.read(tenant.id) == tenant


async def test_of_many_first_starts_one_founds_and_all_agree(engine_options: Options) -> None:
    async with AsyncExitStack() as stack:
        openings = [stack.enter_async_context(open_engine(engine_options)) for _ in range(20)]
        engines = await asyncio.gather(*openings)
        tenant = await engines[0].tenants.create(name="Acme")
        assert [await engine.tenants.read(tenant.id) for engine in engines] == [tenant] * 20


async def test_the_names_of_keys_are_secret_to_the_deployment(
    engine_options: Options, engine: Engine, keyring: Keyring
) -> None:
    del engine_options
    space = await open_deployment(DeploymentStore(engine.link), keyring=keyring, partitions=16)
    guess = KeySpace(partitions=16, index_key=bytes(32))
    assert space.digest("admin", "ada@example.com") != guess.digest("admin", "ada@example.com")
