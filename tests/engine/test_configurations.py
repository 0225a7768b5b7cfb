"""What an administrator configures."""

import asyncio

import pytest

from engine.assembly import Engine
from engine.errors import AlreadyConfigured, Refusal, TenantInactive, UnknownTenant
from engine.ids import AdminId
from engine.policies import Alphabet, Mode, PasscodePolicy
from engine.tenants import Configuration, State, Tenant
from tests.conftest import OWNER

pytestmark = pytest.mark.anyio

STRANGER = AdminId("f" * 32)
POLICY = PasscodePolicy(mode=Mode.MANUAL, alphabet=Alphabet.ALPHABETS, length=8, expires_s=90)


async def test_a_configuration_is_in_force_once_it_is_created(engine: Engine, tenant: Tenant) -> None:
    configuration = await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    found = await engine.tenants.read(tenant.id)
    assert (found.policy, found.configuration) == (POLICY, configuration)
    assert configuration.created_by == OWNER
    assert configuration.created_at == configuration.updated_at


async def test_a_configuration_is_created_once(engine: Engine, tenant: Tenant) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    with pytest.raises(AlreadyConfigured):
        await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy())
    assert (await engine.tenants.read(tenant.id)).policy == POLICY


async def test_of_many_configurations_created_at_once_one_is(engine: Engine, tenant: Tenant) -> None:
    creations = [
        engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy(length=length))
        for length in range(4, 24)
    ]
    results = await asyncio.gather(*creations, return_exceptions=True)
    (created,) = [result for result in results if isinstance(result, Configuration)]
    assert sum(isinstance(result, AlreadyConfigured) for result in results) == 19
    assert (await engine.tenants.read(tenant.id)).configuration == created


async def test_a_replaced_configuration_keeps_when_it_was_created(engine: Engine, tenant: Tenant) -> None:
    created = await engine.configurations.create(tenant.id, admin=OWNER, policy=PasscodePolicy())
    replaced = await engine.configurations.replace(tenant.id, admin=OWNER, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).configuration == replaced
    assert (replaced.policy, replaced.created_at) == (POLICY, created.created_at)
    assert replaced.updated_at >= created.updated_at


async def test_replacing_needs_nothing_to_replace(engine: Engine, tenant: Tenant) -> None:
    await engine.configurations.replace(tenant.id, admin=OWNER, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).policy == POLICY


@pytest.mark.parametrize(
    ("admin", "state", "refusal"),
    [
        (STRANGER, State.ACTIVE, UnknownTenant),
        (STRANGER, State.INACTIVE, UnknownTenant),
        (OWNER, State.INACTIVE, TenantInactive),
        (OWNER, State.SUSPENDED, TenantInactive),
    ],
)
async def test_only_the_owner_of_an_active_tenant_configures_it(
    engine: Engine, tenant: Tenant, admin: AdminId, state: State, refusal: type[Refusal]
) -> None:
    await engine.tenants.set_state(tenant.id, state)
    for configure in (engine.configurations.create, engine.configurations.replace):
        with pytest.raises(refusal):
            await configure(tenant.id, admin=admin, policy=POLICY)
    assert (await engine.tenants.read(tenant.id)).configuration is None


async def test_configuring_leaves_everything_else_as_it_is(engine: Engine, tenant: Tenant, api_key: str) -> None:
    await engine.configurations.create(tenant.id, admin=OWNER, policy=POLICY)
    found, _ = await engine.api_keys.authenticate(api_key)
    assert (found.id, found.name, found.owner, found.state) == (tenant.id, tenant.name, OWNER, State.ACTIVE)
